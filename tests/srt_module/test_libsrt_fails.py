"""When libsrt itself does not work any more, it is started anew, and that is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testbed.srt_socket import SrtError
from tests.srt_module.parsers import HERE
from tests.support.srt_nginx import SrtServer, running_srt, wait_for
from tests.support.srt_upstream import upstream

pytestmark = pytest.mark.host


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """What stands before libsrt; the worker is nobody, and pytest's folders are root's."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    target = tmp_path / "failing_libsrt.so"
    argv = ["gcc", "-shared", "-fPIC", f'-DFOLDER="{tmp_path}"', str(HERE / "failing_libsrt.c"), "-o", str(target)]
    subprocess.run([*argv, "-ldl"], check=True)
    return target


def has_come_on_air(server: SrtServer) -> bool:
    """Whether a caller that knocks now is let in."""
    try:
        server.connect(server.encrypted("tea")).close()
    except SrtError:
        return False
    return True


@pytest.mark.parametrize(
    "what,sentence", [("epoll", "srt_epoll_uwait() failed"), ("listener", "a listener listens no more")]
)
def test_it_is_started_anew(library: Path, what: str, sentence: str) -> None:
    with upstream() as behind, running_srt(behind, "coffee", "tea", preload=library) as server:
        worker = server.worker_pid
        with server.calling(server.encrypted("coffee")) as caller:
            (library.parent / what).touch()
            wait_for(lambda: not caller.connected(), "cut", 3)
        wait_for(lambda: "libsrt failed, stream=coffee" in server.errors(), "no line of the caller")
        assert server.errors().count(f"[alert] {worker}#{worker}: srt: libsrt starts anew") == 1
        assert sentence in server.errors()
        wait_for(lambda: has_come_on_air(server), "listens again", 5)
        assert server.worker_pid == worker
