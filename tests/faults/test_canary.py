"""Does a stream key stay where it belongs? Two canaries go through everything, and are then looked for everywhere."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.deploy import deploy
from testbed.fault import TestbedError
from testbed.places import cache_dir
from tests.support.encoders import encoders
from tests.support.hosts import Deployed, spec_for_tests

# A word of the canary on standard input, one per line; what is printed is where it was found.
EVERYWHERE = "grep --recursive --binary-files=text --files-with-matches --fixed-strings --file=- --devices=skip"
LOOK = {
    "journal": "journalctl --all --output=export --no-pager | grep --text --count --fixed-strings --file=/dev/fd/3",
    "unit properties": "systemctl show '*' --all --no-pager | grep --count --fixed-strings --file=/dev/fd/3",
    "unit files": "systemctl cat 'nginx@*' 'ffmpeg@*' headend-hooks | grep --count --fixed-strings --file=/dev/fd/3",
    "argument lists": "cat /proc/[0-9]*/cmdline 2>/dev/null | grep --text --count --fixed-strings --file=/dev/fd/3",
    "environments": "cat /proc/[0-9]*/environ 2>/dev/null | grep --text --count --fixed-strings --file=/dev/fd/3",
    "stat page": "curl -sSf http://127.0.0.1:8081/stat | grep --count --fixed-strings --file=/dev/fd/3",
    "viewers": "curl -sSf http://127.0.0.1:8080/api/v1/streams/demo | grep --count --fixed-strings --file=/dev/fd/3",
    "files": f"{EVERYWHERE} --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev / 2>/dev/null </dev/fd/3 | wc -l",
}


@dataclass(frozen=True, slots=True)
class Canaries:
    """Secrets that have been through everything, and the process that holds the right one."""

    words: tuple[str, str]
    publisher_pid: int
    deploy_log: str

    @property
    def lines(self) -> str:
        """One per line, for grep."""
        return "".join(f"{word}\n" for word in self.words)


@pytest.fixture(scope="module")
def wrong() -> str:
    """A key that nobody made."""
    return secrets.token_urlsafe(32)


@pytest.fixture(scope="module")
def canaries(
    deployment: Deployed, film: Path, wrong: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Canaries]:
    """A wrong key was refused, the right one is live, a second publisher was refused, and a deploy ran meanwhile."""
    origin = deployment.origin
    right = origin.add_key()
    with encoders(origin, film, tmp_path_factory.mktemp("canaries")) as publish:
        with pytest.raises(TestbedError, match="refused"):
            publish(wrong).wait("publishing")
        publisher = publish(right.secret, reconnect=1.0)
        publisher.wait("publishing")
        with pytest.raises(TestbedError, match="refused"):
            publish(right.secret).wait("publishing")
        origin.wait_state("live")
        log = deploy([origin.host], lambda line: None, ["--data", f"spec={spec_for_tests()}", "-vvv"]).log
        yield Canaries((right.secret, wrong), publisher.pid, log)


def test_canary_is_nowhere(deployment: Deployed, canaries: Canaries) -> None:
    host = deployment.origin.host
    found = {}
    for place, script in LOOK.items():
        done = host.run(["sh", "-c", f"exec 3<<E\n$(cat)\nE\n{script}"], stdin=canaries.lines, check=False)
        found[place] = done.stdout.strip()
    assert found == dict.fromkeys(LOOK, "0")


def test_looking_finds_what_is_there(deployment: Deployed) -> None:
    # A canary that is looked for in the wrong way is found nowhere, and proves nothing.
    host = deployment.origin.host
    word = secrets.token_hex(16)
    host.run(["sh", "-c", f"echo {word} | systemd-cat; echo {word} >/var/tmp/canary; journalctl --sync"])
    for place in ("journal", "files"):
        done = host.run(["sh", "-c", f"exec 3<<E\n$(cat)\nE\n{LOOK[place]}"], stdin=f"{word}\n", check=False)
        assert int(done.stdout) >= 1, place
    host.run(["rm", "/var/tmp/canary"])


def test_database_dump_has_no_key(deployment: Deployed, canaries: Canaries) -> None:
    dump = deployment.origin.host.run(
        [
            "/opt/headend/app/current/bin/python",
            "-c",
            "import sqlite3; print(*sqlite3.connect('/var/lib/headend/hooks/state.sqlite3').iterdump(), sep='\\n')",
        ]
    ).stdout
    assert "INSERT INTO" in dump
    assert not any(word in dump for word in canaries.words)


def test_deploy_says_no_key(canaries: Canaries) -> None:
    assert not any(word in canaries.deploy_log for word in canaries.words)


def test_encoder_of_the_laboratory_shows_no_key(canaries: Canaries) -> None:
    process = Path(f"/proc/{canaries.publisher_pid}")
    shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert not any(word.encode() in shown for word in canaries.words)


def test_cache_of_the_laboratory_holds_no_key(canaries: Canaries) -> None:
    argv = [*EVERYWHERE.split(), str(cache_dir())]
    assert subprocess.run(argv, input=canaries.lines, capture_output=True, text=True).stdout == ""
