"""Who comes in, in C: every way, key, ticket and limit; and does it compile without a warning?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headend.model.credential import signature
from headend.model.stream_id import StreamId
from tests.srt_module.parsers import COMPILERS, HERE, SANITIZE, Probe, compile_parsers, running_probe

MASTER = b"0123456789abcdef0123456789abcdef"
NOW = 1_800_000_000
ENTRIES = 4096
"""Nonces that the table holds."""

LIST = f"""headend-srt 1
stream any any free
stream enc encrypted free
stream sig signed free
stream busy any taken
key any good 0
key any last {NOW}
key any over {NOW - 1}
key enc good 0
key sig good {NOW + 1}
key busy good 0
"""


@pytest.fixture(scope="module", params=COMPILERS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """The C files under both sanitizers, by each compiler."""
    target = tmp_path_factory.mktemp("probe") / "probe"
    with running_probe(compile_parsers(request.param, [HERE / "probe.c"], target, *SANITIZE)) as started:
        yield started


@pytest.fixture
def probe(running: Probe) -> Probe:
    """With the admit list, and no nonce used."""
    running.forget()
    assert running.admit_list(LIST) == ["list", "4", "6"]
    return running


def encrypted(slug: str, key_id: str = "good") -> str:
    return StreamId(slug=slug, key_id=key_id).text


def signed(
    slug: str, key_id: str = "good", expires_at: int = NOW + 60, nonce: str = "nonce-01", master: bytes = MASTER
) -> str:
    sig = signature(master, slug, key_id, expires_at, nonce)
    return StreamId(slug=slug, key_id=key_id, expires_at=expires_at, nonce=nonce, signature=sig).text


@pytest.mark.parametrize("optimization", ["-O0", "-O2"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_warning(compiler: str, optimization: str, tmp_path: Path) -> None:
    compile_parsers(compiler, [HERE / "probe.c"], tmp_path / "probe", optimization, "-D_FORTIFY_SOURCE=0")


@pytest.mark.parametrize(
    "text,flags,code,reason",
    [
        (encrypted("any"), "", 0, "admitted"),
        (signed("any"), "", 0, "admitted"),
        (encrypted("enc"), "", 0, "admitted"),
        (signed("sig"), "", 0, "admitted"),
        (encrypted("any"), "e", 0, "admitted"),
        (signed("any"), "e", 1403, "the signed way is not open"),
        (signed("enc"), "", 1403, "the signed way is not open"),
        (encrypted("sig"), "", 1403, "the encrypted way is not open"),
        (encrypted("nobody"), "", 1404, "no such stream"),
        (encrypted("any", "unknown"), "", 1403, "no such key, or revoked"),
        (encrypted("enc", "last"), "", 1403, "no such key, or revoked"),
        (encrypted("any", "last"), "", 0, "admitted"),
        (encrypted("any", "over"), "", 1403, "key expired, or not open now"),
        (signed("any", "over"), "", 1403, "key expired, or not open now"),
        (signed("any", master=MASTER[::-1]), "", 1401, "wrong signature"),
        (signed("any").replace("r=any", "r=sig"), "", 1401, "wrong signature"),
        (signed("any").replace("u=good", "u=last"), "", 1401, "wrong signature"),
        (signed("any").replace("nonce-01", "nonce-02"), "", 1401, "wrong signature"),
        (signed("any", expires_at=NOW - 60), "", 0, "admitted"),
        (signed("any", expires_at=NOW - 61), "", 1403, "signed stream id expired"),
        (signed("any", expires_at=NOW + 86_400 + 60), "", 0, "admitted"),
        (signed("any", expires_at=NOW + 86_400 + 61), "", 1403, "signed stream id lives too long"),
        (encrypted("busy"), "", 1409, "another publisher is on air"),
        (signed("busy"), "", 1409, "another publisher is on air"),
        (encrypted("any").replace("publish", "request"), "", 1405, "stream id"),
    ],
)
def test_a_caller_gets_this_answer(probe: Probe, text: str, flags: str, code: int, reason: str) -> None:
    assert probe.decide(MASTER, text, NOW, flags=flags) == (code, reason)


def test_without_a_list_nobody_comes_in(probe: Probe) -> None:
    probe.admit_list(None)
    assert probe.decide(MASTER, encrypted("any"), NOW) == (1503, "no admit list")


def test_without_a_master_the_signed_way_is_not_open(probe: Probe) -> None:
    assert probe.decide(b"", signed("any"), NOW) == (1403, "the signed way is not open")
    assert probe.decide(b"", encrypted("any"), NOW) == (0, "admitted")


def test_a_ticket_is_good_once(probe: Probe) -> None:
    assert probe.decide(MASTER, signed("any"), NOW)[0] == 0
    for address in ("192.0.2.1", "192.0.2.2"):
        assert probe.decide(MASTER, signed("any"), NOW, address) == (1403, "signed stream id was used")
    # The same nonce of another stream or key is another ticket, with another expiry it is not.
    assert probe.decide(MASTER, signed("sig"), NOW)[0] == 0
    assert probe.decide(MASTER, signed("any", "last"), NOW)[0] == 0
    assert probe.decide(MASTER, signed("any", expires_at=NOW + 61), NOW)[0] == 1403


def test_a_ticket_may_be_good_again_from_the_same_address(probe: Probe) -> None:
    for _ in range(3):
        assert probe.decide(MASTER, signed("any"), NOW, "2001:db8::1", flags="a")[0] == 0
    assert probe.decide(MASTER, signed("any"), NOW, "2001:db8::2", flags="a")[0] == 1403
    assert probe.decide(MASTER, signed("any"), NOW, "2001:db8::1")[0] == 1403


@pytest.mark.parametrize("address", ["", "f" * 63, "f" * 300])
def test_an_address_of_any_length(probe: Probe, address: str) -> None:
    assert probe.decide(MASTER, signed("any"), NOW, address, flags="a")[0] == 0
    assert probe.decide(MASTER, signed("any"), NOW, address, flags="a")[0] == 0
    assert probe.decide(MASTER, signed("any"), NOW, "192.0.2.1", flags="a")[0] == 1403


def test_whoever_is_refused_keeps_the_ticket(probe: Probe) -> None:
    assert probe.decide(MASTER, signed("busy"), NOW)[0] == 1409
    probe.admit_list(LIST.replace("taken", "free"))
    assert probe.decide(MASTER, signed("busy"), NOW)[0] == 0


def test_a_ticket_that_was_only_looked_at_is_good(probe: Probe) -> None:
    for _ in range(2):
        assert probe.decide(MASTER, signed("any"), NOW, flags="l") == (0, "admitted")
    assert probe.decide(MASTER, signed("any"), NOW) == (0, "admitted")
    assert probe.decide(MASTER, signed("any"), NOW, flags="l") == (1403, "signed stream id was used")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_ticket_that_was_used_for_nothing_is_good_again_and_no_other_one(probe: Probe, number: int) -> None:
    tickets = [signed("any", nonce=f"nonce-0{number}") for number in range(3)]
    for ticket in tickets:
        assert probe.decide(MASTER, ticket, NOW)[0] == 0
    for _ in range(2):
        assert probe.forgive(tickets[number]) == 2
    for other, ticket in enumerate(tickets):
        assert probe.decide(MASTER, ticket, NOW, flags="l")[0] == (0 if other == number else 1403)
    assert probe.decide(MASTER, tickets[number], NOW)[0] == 0
    assert probe.decide(MASTER, tickets[number], NOW)[0] == 1403


def test_a_full_table_forgets_nothing_that_could_be_used_again(probe: Probe) -> None:
    for number in range(ENTRIES):
        ticket = signed("any", expires_at=NOW + number, nonce=f"nonce-{number:04}")
        assert probe.decide(MASTER, ticket, NOW)[0] == 0
    fresh = signed("any", expires_at=NOW + 5000, nonce="one-more")
    assert probe.decide(MASTER, fresh, NOW) == (1402, "too many signed stream ids in use")
    # The first one expires at NOW and may be late by the skew; a second after that its place is free.
    assert probe.decide(MASTER, fresh, NOW + 60)[0] == 1402
    assert probe.decide(MASTER, fresh, NOW + 61)[0] == 0
    assert probe.decide(MASTER, fresh, NOW + 61)[0] == 1403
    second = signed("any", expires_at=NOW + 1, nonce="nonce-0001")
    assert probe.decide(MASTER, second, NOW + 61) == (1403, "signed stream id was used")


def test_a_clock_that_is_set_back_admits_no_used_ticket(probe: Probe) -> None:
    assert probe.decide(MASTER, signed("any"), NOW)[0] == 0
    assert probe.decide(MASTER, signed("any", nonce="nonce-02", expires_at=NOW + 5000), NOW + 5000)[0] == 0
    assert probe.decide(MASTER, signed("any"), NOW)[0] == 1403


def admit_list(streams: int, keys: int) -> str:
    lines = [f"stream s{number} any free" for number in range(streams)]
    lines += [f"key s{number % streams} k{number} 0" for number in range(keys)]
    return "\n".join(["headend-srt 1", *reversed(lines[:streams]), *lines[streams:]]) + "\n"


def test_the_largest_admit_list_is_taken_and_searched(probe: Probe) -> None:
    assert probe.admit_list(admit_list(1024, 4096)) == ["list", "1024", "4096"]
    for number in (0, 1, 511, 1023):
        assert probe.decide(MASTER, encrypted(f"s{number}", f"k{number + 1024}"), NOW)[0] == 0
        assert probe.decide(MASTER, encrypted(f"s{number}", f"k{number + 1025}"), NOW)[0] == 1403
        assert probe.has_key(f"s{number}", f"k{number}")
    assert not probe.has_key("s1024", "k1")
    assert not probe.has_key("S1", "k1")


@pytest.mark.parametrize(
    "streams,keys,line,fault",
    [(1025, 0, 1026, "too many streams"), (1, 4097, 4099, "too many keys")],
    ids=["streams", "keys"],
)
def test_one_more_is_too_many(probe: Probe, streams: int, keys: int, line: int, fault: str) -> None:
    assert probe.admit_list(admit_list(streams, keys)) == ["fault", str(line), fault]


def test_an_endless_admit_list_is_not_read(probe: Probe) -> None:
    assert probe.admit_list("headend-srt 1\n" + "x" * 512 * 1024) == ["fault", "1", "too long"]


def test_the_table_of_nonces_has_its_size(probe: Probe) -> None:
    assert probe.forget() < 800_000
