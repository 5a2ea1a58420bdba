"""Does a stream key stay where it belongs? Two canaries go through everything, and are then looked for everywhere."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbed.deploy import deploy
from testbed.fault import TestbedError
from testbed.places import cache_dir
from tests.support.canary import LOOK, database_dump, files_with, found, local_files_with
from tests.support.encoders import encoders
from tests.support.hosts import Deployed, spec_for_tests


@dataclass(frozen=True, slots=True)
class Canaries:
    """Secrets that have been through everything, and the process that holds the right one."""

    words: tuple[str, str]
    publisher_pid: int
    deploy_log: str


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
    with origin.spare_key() as right, encoders(origin, film, tmp_path_factory.mktemp("canaries")) as publish:
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
    assert found(host, canaries.words) == dict.fromkeys(LOOK, "0")
    assert files_with(host, canaries.words) == set()


def test_looking_finds_what_is_there(deployment: Deployed) -> None:
    # A canary that is looked for in the wrong way is found nowhere, and proves nothing.
    host = deployment.origin.host
    word = secrets.token_hex(16)
    host.run(["sh", "-c", f"echo {word} | systemd-cat; echo {word} >/var/tmp/canary; journalctl --sync"])
    assert int(found(host, [word], ["journal"])["journal"]) >= 1
    assert "/var/tmp/canary" in files_with(host, [word])
    host.run(["rm", "/var/tmp/canary"])


def test_database_dump_has_no_key(deployment: Deployed, canaries: Canaries) -> None:
    dump = database_dump(deployment.origin.host)
    assert "INSERT INTO" in dump
    assert not any(word in dump for word in canaries.words)


def test_deploy_says_no_key(canaries: Canaries) -> None:
    assert not any(word in canaries.deploy_log for word in canaries.words)


def test_encoder_of_the_laboratory_shows_no_key(canaries: Canaries) -> None:
    process = Path(f"/proc/{canaries.publisher_pid}")
    shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert not any(word.encode() in shown for word in canaries.words)


def test_cache_of_the_laboratory_holds_no_key(canaries: Canaries) -> None:
    assert local_files_with(cache_dir(), canaries.words) == set()
