"""The module's plain C files, compiled by themselves, and a way to ask them questions."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULE = HERE.parents[1] / "nginx_modules" / "srt"

PARSERS = tuple(MODULE / f"ngx_srt_{name}.c" for name in ("streamid", "token", "admit", "replay", "admission"))
"""They know neither nginx nor libsrt; only token needs a library, OpenSSL's libcrypto."""

# More than nginx's own build asks for: these files read what strangers send.
WARNINGS = (
    *("-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wpointer-arith", "-Wshadow", "-Wcast-align"),
    *("-Wconversion", "-Wsign-conversion", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wundef"),
)
SANITIZE = ("-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
COMPILERS = ("gcc", "clang")


def compile_parsers(compiler: str, sources: Sequence[Path], target: Path, *flags: str) -> Path:
    """A program of these sources and the parsers; raises RuntimeError with what the compiler says."""
    files = [str(path) for path in (*PARSERS, *sources)]
    argv = [compiler, *WARNINGS, *flags, f"-I{MODULE}", *files, "-o", str(target), "-lcrypto"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return target


@dataclass(frozen=True)
class StreamIdAnswer:
    """What C makes of a stream id."""

    code: int
    slug: str
    key_id: str
    expiry: str
    nonce: str
    signature: str
    expires_at: int
    is_signed: bool


@dataclass
class Probe:
    """A running probe.c: it answers as long as nothing goes wrong in it."""

    process: subprocess.Popen[str]

    def ask(self, *words: str) -> list[str]:
        """The words of the answer to one question."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("\t".join(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer.endswith("\n"):
            raise AssertionError(f"the probe died of {words}")
        return answer[:-1].split("\t")

    def stream_id(self, text: bytes) -> StreamIdAnswer:
        """Parse a stream id."""
        code, slug, key_id, expiry, nonce, signature, expires_at, is_signed = self.ask("id", text.hex())
        signed = is_signed == "1"
        return StreamIdAnswer(int(code), slug, key_id, expiry, nonce, signature, int(expires_at), signed)

    def derive(self, master: bytes, text: str) -> list[str]:
        """Passphrase's status, passphrase, signature's status, signature, code for the signature that was given."""
        return self.ask("derive", master.hex(), text.encode().hex())

    def admit_list(self, text: str | None) -> list[str]:
        """Take an admit list, None for none: "list", streams, keys; or "fault", line, fault."""
        return self.ask("list", "none" if text is None else text.encode().hex())

    def has_key(self, slug: str, key_id: str) -> bool:
        """Whether the admit list has a key."""
        return self.ask("has", slug, key_id) == ["1"]

    def forget(self) -> int:
        """Forget every nonce; the size of the table in bytes."""
        return int(self.ask("forget")[0])

    def forgive(self, text: str) -> int:
        """The nonce of this stream id was used for nothing; how many are left."""
        return int(self.ask("forgive", text.encode().hex())[0])

    def decide(
        self, master: bytes, text: str, now: int, address: str = "192.0.2.1", flags: str = "", skew: int = 60
    ) -> tuple[int, str]:
        """Code and reason; flags: e enforced encryption, a reuse from the same address, l leave the nonce unused."""
        words = (master.hex(), text.encode().hex(), address, str(now), str(skew), "86400", flags)
        code, reason, *_ = self.ask("decide", *words)
        return int(code), reason


@contextmanager
def running_probe(program: Path) -> Iterator[Probe]:
    """Start a probe; at the end it must leave without a leak or any other report."""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Probe(process)
        assert process.stdin
        process.stdin.close()
        assert process.wait(20) == 0
