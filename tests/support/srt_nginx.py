"""An nginx with our SRT module on free loopback ports, without systemd, and the streams and keys that it admits."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headend.model.credential import signature, srt_passphrase
from testbed.srt_socket import SrtOptions, SrtSocket, connect
from tests.support.ingest_nginx import free_port
from tests.support.nginx_build import built_nginx
from tests.support.srt_configuration import CONFIGURATION
from tests.support.srt_upstream import Upstream

KEY = "ab12cd34"
HOUR = 3600

# For a build with sanitizers: nginx and its module each have a table of the same name by design. A thread that has
# ended, and libsrt has one for each caller, leaves some 2 KiB in gcc 12's quarantine until that is full, and 0.2 KiB
# after that. With 8 MiB it is full after some thousand callers, so that what still grows is something else.
SANITIZER = "detect_odr_violation=0:detect_leaks={leaks}:quarantine_size_mb=8:thread_local_quarantine_size_kb=64"
ENVIRONMENT = {"ASAN_OPTIONS": SANITIZER.format(leaks=0), "UBSAN_OPTIONS": "print_stacktrace=1"}

# HEADEND_SANITIZE=1: every test with a build that reports on stderr what it should not do, and fails of it.
SANITIZE = bool(os.environ.get("HEADEND_SANITIZE"))


def srt_build(*, sanitize: bool = SANITIZE) -> Path:
    """Prefix of the product's own build, or of one with sanitizers."""
    return built_nginx(("--sanitize",) if sanitize else ())


def free_udp_port(family: socket.AddressFamily = socket.AF_INET) -> int:
    """A UDP port of loopback that nobody has right now."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class SrtServer:
    """A running server; its admit list is empty of streams until `admit` is called."""

    prefix: Path
    run: Path
    srt_port: int
    http_port: int
    process: subprocess.Popen[bytes]
    master: bytes = field(repr=False)

    @property
    def master_pid(self) -> int:
        """The master process."""
        return self.process.pid

    def worker_pids(self) -> list[int]:
        """Children of the master."""
        children = Path(f"/proc/{self.master_pid}/task/{self.master_pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    @property
    def worker_pid(self) -> int:
        """The one worker."""
        (pid,) = self.worker_pids()
        return pid

    def stat(self) -> dict[str, Any]:
        """The stat page."""
        return dict(json.loads(self.page("srt_stat")))

    def sessions(self) -> list[dict[str, Any]]:
        """Who is on air."""
        return list(self.stat()["sessions"])

    def page(self, name: str) -> str:
        """A page of its HTTP side: srt_stat or metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/{name}", timeout=5) as answer:
            return str(answer.read().decode())

    def errors(self, since: int = 0) -> str:
        """Its log, level info and above, from that many bytes on."""
        with (self.run / "error.log").open("rb") as file:
            file.seek(since)
            return file.read().decode(errors="replace")

    def log_size(self) -> int:
        """Bytes of its log."""
        return (self.run / "error.log").stat().st_size

    def reports(self) -> str:
        """What a sanitizer has printed; nothing in a normal build."""
        # Once it has its configuration, nginx turns its stderr to the log.
        text = (self.run / "stderr").read_text(errors="replace") + self.errors()
        return text if "Sanitizer" in text or "runtime error" in text else ""

    def list_text(self, text: str | None) -> None:
        """Put an admit list in place, or none, and wait until the server has looked."""
        path = self.run / "admit"
        if text is None:
            path.unlink()
        else:
            new = path.with_suffix(".new")
            new.write_text(text)
            new.rename(path)
        time.sleep(0.5)

    def admit(self, *slugs: str, way: str = "any", taken: bool = False, not_after: int = 0, key: str = KEY) -> None:
        """Put an admit list in place with these streams, each with one key."""
        self.list_text(admit_list(*slugs, way=way, taken=taken, not_after=not_after, key=key))

    def encrypted(self, slug: str, *, key: str = KEY, **more: Any) -> SrtOptions:
        """How to call in the encrypted way."""
        options: dict[str, Any] = {
            "stream_id": f"#!::r={slug},m=publish,u={key}",
            "passphrase": srt_passphrase(self.master, slug, key),
        }
        return SrtOptions(**(options | more))

    def signed(self, slug: str, *, lifetime: int = HOUR, key: str = KEY, **more: Any) -> SrtOptions:
        """How to call in the signed way, once."""
        options = {"stream_id": self.signed_id(slug, lifetime=lifetime, key=key)}
        return SrtOptions(**(options | more))

    def signed_id(self, slug: str, *, lifetime: int = HOUR, key: str = KEY) -> str:
        """A stream id with a nonce of its own."""
        expiry, nonce = int(time.time()) + lifetime, secrets.token_urlsafe(12)
        sig = signature(self.master, slug, key, expiry, nonce)
        return f"#!::r={slug},m=publish,u={key},exp={expiry},nonce={nonce},sig={sig}"

    def connect(self, options: SrtOptions, host: str = "127.0.0.1") -> SrtSocket:
        """A caller that was let in; raises SrtRefused with the reason."""
        return connect(host, self.srt_port, options)

    @contextmanager
    def calling(self, options: SrtOptions, host: str = "127.0.0.1") -> Iterator[SrtSocket]:
        """A caller that is on air; afterwards it has hung up, and its place is free."""
        before = self.stat()["totals"]
        with self.connect(options, host) as caller:
            wait_for(lambda: self.stat()["totals"]["accepted"] > before["accepted"], "the caller is not on air")
            yield caller
        wait_for(lambda: self.stat()["totals"]["closed"] > before["closed"], "the caller's place is still taken")

    def visit(self, options: SrtOptions) -> None:
        """A caller that comes on air, hangs up and has left."""
        before = int(self.stat()["totals"]["closed"])
        self.connect(options).close()
        wait_for(lambda: self.stat()["totals"]["closed"] > before, "the visitor has not left")

    def signal(self, number: signal.Signals) -> None:
        """Tell the master."""
        os.kill(self.master_pid, number)


def admit_list(*slugs: str, way: str = "any", taken: bool = False, not_after: int = 0, key: str = KEY) -> str:
    """The text of an admit list with one key for each stream."""
    state = "taken" if taken else "free"
    streams = [f"stream {slug} {way} {state}" for slug in slugs]
    keys = [f"key {slug} {key} {not_after}" for slug in slugs]
    return "\n".join(["headend-srt 1", *streams, *keys, ""])


@contextmanager
def running_srt(
    upstream: Upstream | str,
    *slugs: str,
    directives: str = "",
    block: str = "",
    prefix: Path | None = None,
    without: Sequence[str] = (),
    leaks: bool = False,
    preload: Path | None = None,
) -> Iterator[SrtServer]:
    """Start the build that passes callers of these streams to the upstream (or `pass` address), and end it again.

    `directives` are added to the srt server's own, of which those that `without` names are left out; `block` to
    those of the srt block. `preload` is a library that stands before libsrt.
    """
    prefix = prefix or srt_build()
    address = upstream if isinstance(upstream, str) else f"unix:{upstream.path}"
    with tempfile.TemporaryDirectory(prefix="headend-srt-") as folder:
        run = Path(folder)
        run.chmod(0o755)
        master = secrets.token_urlsafe(32).encode()
        (run / "master").write_bytes(master + b"\n")
        (run / "master").chmod(0o600)
        (run / "admit").write_text(admit_list(*slugs))
        ports = {"srt_port": free_udp_port(), "http_port": free_port()}
        text = CONFIGURATION.format(
            prefix=prefix, run=run, upstream=address, directives=directives, block=block, **ports
        )
        lines = [line for line in text.splitlines() if not line.split()[:1] or line.split()[0] not in without]
        (run / "nginx.conf").write_text("\n".join(lines))
        with (
            (run / "stderr").open("w") as stderr,
            start(prefix, run, stderr.fileno(), leaks=leaks, preload=preload) as process,
        ):
            server = SrtServer(prefix=prefix, run=run, process=process, master=master, **ports)
            try:
                wait_for(lambda: serves(server), "nginx did not start")
                yield server
            finally:
                process.terminate()
                process.wait(10)
            if server.reports():
                raise RuntimeError(server.reports())


def start(
    prefix: Path, run: Path, stderr: int, *, leaks: bool = False, preload: Path | None = None
) -> subprocess.Popen[bytes]:
    """The server in the foreground, with the configuration in its folder."""
    argv = [f"{prefix}/sbin/nginx", "-p", str(run), "-e", "stderr", "-c", f"{run}/nginx.conf"]
    more = {"ASAN_OPTIONS": SANITIZER.format(leaks=1)} if leaks else {}
    if preload is not None:
        # The sanitizers' own library would have to be first.
        options = ENVIRONMENT["ASAN_OPTIONS"] + ":verify_asan_link_order=0"
        more = {"LD_PRELOAD": str(preload), "ASAN_OPTIONS": options}
    return subprocess.Popen(argv, stderr=stderr, env=ENVIRONMENT | more)


def serves(server: SrtServer) -> bool:
    """Whether it answers."""
    if server.process.poll() is not None:
        raise RuntimeError(f"nginx did not start: {(server.run / 'stderr').read_text()}")
    try:
        server.stat()
    except OSError:
        return False
    return True


def wait_for(condition: Callable[[], object], what: str, seconds: float = 10) -> None:
    """Look until it is so; RuntimeError says what never was."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} within {seconds} s")
        time.sleep(0.02)
