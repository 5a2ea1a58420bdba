"""Does what lets an SRT caller in stay where it belongs? Master, passphrase, signature: looked for everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from testbed.deploy import deploy
from testbed.fault import TestbedError
from testbed.places import cache_dir
from testbed.srt_socket import SrtRefused, connect
from tests.support.canary import LOOK, database_dump, files_with, found, local_files_with
from tests.support.encoders import encoders
from tests.support.hosts import Deployed, spec_for_tests
from tests.support.srt_tickets import read_desk

WRONG = "a-passphrase-nobody-made"

# Where systemd has put the one secret, for who checks what follows from it and for who makes keys, and where it took it
# from.
MASTER_FILES = {
    "/etc/headend/credentials/master",
    "/run/credentials/headend-hooks.service/master",
    "/run/credentials/nginx@srt.service/master",
}


@dataclass(frozen=True, slots=True)
class Canaries:
    """Secrets that have been through everything, and the process that holds one."""

    master: str
    words: tuple[str, ...]
    publisher_pid: int
    deploy_log: str

    @property
    def all(self) -> tuple[str, ...]:
        """The derived ones and the one that they are derived from."""
        return (self.master, *self.words)


def signature_of(stream_id: str | bytes) -> str:
    """The last field of a signed stream id."""
    return str(stream_id).rpartition("sig=")[2]


@pytest.fixture(scope="module")
def canaries(deployment: Deployed, film: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    """Both ways in were on air, both were refused, and a deploy ran while one was live."""
    origin = deployment.origin
    with origin.spare_key() as spare, encoders(origin, film, tmp_path_factory.mktemp("canaries")) as publish:
        desk = read_desk(origin.host, origin.slug, spare.key_id)
        signed = desk.signed_id()
        first = publish.to(f"srt://127.0.0.1:{origin.srt_port}?streamid={quote(signed, safe='')}")
        origin.wait_state("live")
        first.stop()
        origin.wait_state("ended")
        passphrase = desk.encrypted().passphrase
        url = origin.srt_url(spare)
        # Looking for a word that nobody uses would prove nothing.
        assert passphrase in url
        with pytest.raises(TestbedError, match="wrong passphrase"):
            publish.to(url.replace(passphrase, WRONG)).wait("publishing")
        publisher = publish.to(url, reconnect=1.0)
        origin.wait_state("live")
        refused = desk.signed()
        with pytest.raises(SrtRefused):
            connect("127.0.0.1", origin.srt_port, refused)
        log = deploy([origin.host], lambda line: None, ["--data", f"spec={spec_for_tests()}", "-vvv"]).log
        words = (passphrase, WRONG, signature_of(signed), signature_of(refused.stream_id))
        yield Canaries(desk.master.decode(), words, publisher.pid, log)


def test_canary_is_nowhere(deployment: Deployed, canaries: Canaries) -> None:
    host = deployment.origin.host
    assert found(host, canaries.all) == dict.fromkeys(LOOK, "0")
    assert files_with(host, canaries.words) == set()


def test_master_secret_is_where_it_belongs(deployment: Deployed, canaries: Canaries) -> None:
    host = deployment.origin.host
    assert files_with(host, [canaries.master]) == MASTER_FILES
    modes = host.run(["stat", "--format", "%a %U", "/etc/headend/credentials/master"]).stdout
    assert modes == "600 root\n"


def test_database_dump_has_no_secret(deployment: Deployed, canaries: Canaries) -> None:
    dump = database_dump(deployment.origin.host)
    assert "INSERT INTO" in dump
    assert not any(word in dump for word in canaries.all)


def test_deploy_says_no_secret(canaries: Canaries) -> None:
    assert not any(word in canaries.deploy_log for word in canaries.all)


def test_encoder_of_the_laboratory_shows_no_secret(canaries: Canaries) -> None:
    process = Path(f"/proc/{canaries.publisher_pid}")
    shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
    assert not any(word.encode() in shown for word in canaries.all)


def test_cache_of_the_laboratory_holds_no_secret(canaries: Canaries) -> None:
    assert local_files_with(cache_dir(), canaries.all) == set()
