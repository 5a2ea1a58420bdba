"""A fault of the configuration stops a start in one line; a check binds nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.ingest_nginx import free_port
from tests.support.srt_nginx import ENVIRONMENT, SrtServer, running_srt

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def server() -> Iterator[SrtServer]:
    with running_srt("unix:/nonexistent/remux.sock", "coffee") as server:
        yield server


Change = Callable[[str, Path], str]

FAULTY: dict[str, tuple[Change, str]] = {
    "two workers": (lambda text, _: text.replace("worker_processes 1", "worker_processes 2"), "must be 1"),
    "no pass": (lambda text, _: _without(text, "pass unix"), 'has no "pass"'),
    "no listen": (lambda text, _: _without(text, "listen 127.0.0.1:9"), 'has no "listen"'),
    "no list": (lambda text, _: _without(text, "admit_list"), 'but no "admit_list"'),
    "no secret": (lambda text, _: _without(text, "master_secret_file"), 'needs one of "master_secret_file"'),
    "two secrets": (lambda text, _: _with(text, "passphrase 0123456789;"), "needs one of"),
    "short passphrase": (lambda text, _: _with(text, "passphrase short;"), "10 to 79"),
    "port out of range": (lambda text, _: _with(text, "listen 127.0.0.1:70000;"), "invalid port"),
    "no port": (lambda text, _: _with(text, "listen 127.0.0.1;"), "has no port"),
    "per_address above all": (lambda text, _: _with(text, "max_connections 2 per_address=3;"), "per_address="),
    "mss too small": (lambda text, _: _with(text, "mss 76;"), "between"),
    "skew too wide": (lambda text, _: _with(text, "signed_skew 3601s;"), '"signed_skew" of more than 3600s'),
    "life too long": (lambda text, _: _with(text, "signed_max_lifetime 31d;"), "of more than 30d"),
    "no such log level": (lambda text, _: _with(text, "error_log stderr loud;"), "invalid log level"),
    "silence too short": (lambda text, _: _with(text, "peer_idle_timeout 100ms;"), "from 1s to 600s"),
    "no such key length": (lambda text, _: _with(text, "pbkeylen 20;"), "invalid value"),
    "secret that is gone": (lambda text, run: _secret(text, run, None), "No such file"),
    "secret for everybody": (lambda text, run: _secret(text, run, b"x" * 40, 0o604), "chmod o="),
    "short secret": (lambda text, run: _secret(text, run, b"x" * 31), "32 to 256 bytes"),
    "two lines": (lambda text, run: _secret(text, run, b"x" * 40 + b"\n" + b"y" * 40), "one line"),
}  # fmt: skip


def _without(text: str, words: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.strip().startswith(words))


def _with(text: str, directive: str) -> str:
    return text.replace("admit_list", f"{directive} admit_list", 1)


def _secret(text: str, run: Path, content: bytes | None, mode: int = 0o600) -> str:
    path = run / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    return text.replace(f"{run}/master", str(path))


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_stops_the_start_in_one_line(server: SrtServer, tmp_path: Path, name: str) -> None:
    change, sentence = FAULTY[name]
    text = (server.run / "nginx.conf").read_text().replace(f"127.0.0.1:{server.srt_port}", "127.0.0.1:9")
    done = _run(server, tmp_path, change(text, server.run), "-t")
    lines = [line for line in done.stderr.splitlines() if "[emerg]" in line]
    assert done.returncode == 1
    assert len(lines) == 1
    assert sentence in lines[0]


def test_the_widest_bounds_of_a_signed_stream_id_are_taken(server: SrtServer, tmp_path: Path) -> None:
    text = (server.run / "nginx.conf").read_text()
    assert _run(server, tmp_path, _with(text, "signed_skew 1h; signed_max_lifetime 30d;"), "-t").returncode == 0


def test_a_port_in_use_stops_the_start_but_not_the_check(server: SrtServer, tmp_path: Path) -> None:
    text = (server.run / "nginx.conf").read_text().replace(f":{server.http_port}", f":{free_port()}")
    assert _run(server, tmp_path, text, "-t").returncode == 0
    done = _run(server, tmp_path, text)
    assert done.returncode == 1
    assert done.stderr.count(f"bind() to udp 127.0.0.1:{server.srt_port} failed (98: Address already in use)") == 1


def _run(server: SrtServer, folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    conf = folder / "nginx.conf"
    conf.write_text(text.replace(f"{server.run}/nginx.pid", f"{folder}/nginx.pid"))
    argv = [f"{server.prefix}/sbin/nginx", "-p", str(folder), "-e", "stderr", "-c", str(conf), *options]
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False, env=ENVIRONMENT)
