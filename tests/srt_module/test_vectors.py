"""Do Python and C agree: on what a stream id says, on what follows from the master secret, on what an admit list is?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headend.model.credential import read_master, rtmp_key, signature, srt_passphrase
from headend.model.stream_id import StreamId, StreamIdError, parse
from tests.srt_module.parsers import COMPILERS, HERE, SANITIZE, Probe, compile_parsers, running_probe

VECTORS: dict[str, Any] = json.loads((HERE / "vectors.json").read_text())
DERIVATIONS = VECTORS["derivations"]
GOOD, BAD = VECTORS["stream_ids"]["good"], VECTORS["stream_ids"]["bad"]
GOOD_LISTS, BAD_LISTS = VECTORS["admit_lists"]["good"], VECTORS["admit_lists"]["bad"]


@pytest.fixture(scope="module", params=COMPILERS)
def probe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """The C files under both sanitizers, by each compiler."""
    target = tmp_path_factory.mktemp("probe") / "probe"
    with running_probe(compile_parsers(request.param, [HERE / "probe.c"], target, *SANITIZE)) as running:
        yield running


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def as_stream_id(vector: dict[str, Any]) -> StreamId:
    return StreamId(**{name: value for name, value in vector.items() if name not in ("name", "text")})


@pytest.mark.parametrize("vector", GOOD, ids=named)
def test_a_good_stream_id_says_the_same_in_python(vector: dict[str, Any]) -> None:
    stream_id = parse(vector["text"])
    assert stream_id == as_stream_id(vector)
    assert parse(stream_id.text) == parse(stream_id.plain) == stream_id


@pytest.mark.parametrize("vector", GOOD, ids=named)
def test_a_good_stream_id_says_the_same_in_c(probe: Probe, vector: dict[str, Any]) -> None:
    answer, wanted = probe.stream_id(vector["text"].encode()), as_stream_id(vector)
    assert (answer.code, answer.slug, answer.key_id) == (0, wanted.slug, wanted.key_id)
    assert (answer.expires_at, answer.expiry) == (wanted.expires_at or 0, str(wanted.expires_at or ""))
    assert (answer.nonce, answer.signature) == (wanted.nonce or "", wanted.signature or "")
    assert answer.is_signed == wanted.is_signed


@pytest.mark.parametrize("vector", BAD, ids=named)
def test_a_bad_stream_id_has_its_code_in_python(vector: dict[str, Any]) -> None:
    with pytest.raises(StreamIdError) as refused:
        parse(vector["text"])
    assert refused.value.code == vector["code"]


@pytest.mark.parametrize("vector", BAD, ids=named)
def test_a_bad_stream_id_has_its_code_in_c(probe: Probe, vector: dict[str, Any]) -> None:
    answer = probe.stream_id(vector["text"].encode())
    assert answer.code == vector["code"]
    # Whatever the log may say was checked: after a 1400 there is nothing to say.
    assert bool(answer.slug) == bool(answer.key_id) == (answer.code != 1400)


WORDS = ["#!::", "r=", "m=", "u=", "t=", "exp=", "nonce=", "sig=", "live/", "publish", "request", "stream"]
WORDS += ["demo", "ab12cd34", "1800000000", "abcdefgh"]
PIECES = st.sampled_from([*"rmutx=,&?!#-_.% \n", "A" * 43, *WORDS])


@settings(max_examples=500, deadline=None)
@given(pieces=st.lists(PIECES, max_size=24))
@example(pieces=["demo", "?", "u=", "ab12cd34", ",", "x=", ",", "x="])
def test_python_and_c_agree_on_stream_ids_that_nobody_wrote(probe: Probe, pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        code = 0 if parse(text) else -1
    except StreamIdError as error:
        code = error.code
    assert probe.stream_id(text.encode()).code == code


@pytest.mark.parametrize("vector", DERIVATIONS, ids=lambda vector: f"{vector['slug']} {vector['key_id']}")
def test_derivations_in_python(vector: dict[str, Any]) -> None:
    master, slug, key_id = read_master(vector["master"].encode()), vector["slug"], vector["key_id"]
    assert srt_passphrase(master, slug, key_id) == vector["passphrase"]
    assert rtmp_key(master, slug, key_id) == vector["rtmp_key"]
    assert signature(master, slug, key_id, vector["expires_at"], vector["nonce"]) == vector["signature"]


def ticket(vector: dict[str, Any], **changed: Any) -> str:
    """The stream id of a derivation, with something about it changed."""
    names = ("slug", "key_id", "expires_at", "nonce", "signature")
    return StreamId(**{**{name: vector[name] for name in names}, **changed}).text


@pytest.mark.parametrize("vector", DERIVATIONS, ids=lambda vector: f"{vector['slug']} {vector['key_id']}")
def test_derivations_in_c(probe: Probe, vector: dict[str, Any]) -> None:
    answer = probe.derive(vector["master"].encode(), ticket(vector))
    assert answer == ["0", vector["passphrase"], "0", vector["signature"], "0"]


@pytest.mark.parametrize(
    "changed",
    [
        {"slug": "coffee-and-stock"},
        {"key_id": "ab12cd35"},
        {"expires_at": 1800000001},
        {"nonce": "nonce-_123456788"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_signature_is_of_every_field(probe: Probe, changed: dict[str, Any]) -> None:
    vector = DERIVATIONS[0]
    assert probe.derive(vector["master"].encode(), ticket(vector, **changed))[4] == "1401"


def test_every_character_of_a_signature_counts(probe: Probe) -> None:
    """Also the two bits of the last one that decode to nothing: a ticket has one spelling."""
    vector = DERIVATIONS[0]
    for place in range(43):
        for other in "AB-_z9":
            changed = vector["signature"][:place] + other + vector["signature"][place + 1 :]
            wanted = "0" if changed == vector["signature"] else "1401"
            assert probe.derive(vector["master"].encode(), ticket(vector, signature=changed))[4] == wanted


def test_without_a_master_nothing_follows(probe: Probe) -> None:
    assert probe.derive(b"", ticket(DERIVATIONS[0])) == ["-1", "", "-1", "", "1401"]


def test_no_two_derivations_give_the_same(probe: Probe) -> None:
    values = [vector[name] for vector in DERIVATIONS for name in ("passphrase", "rtmp_key", "signature")]
    assert len({value[:32] for value in values}) == len(values)


@pytest.mark.parametrize("vector", GOOD_LISTS, ids=named)
def test_a_good_admit_list_is_taken(probe: Probe, vector: dict[str, Any]) -> None:
    assert probe.admit_list(vector["text"]) == ["list", str(vector["streams"]), str(vector["keys"])]
    for line in vector["text"].splitlines():
        word, slug, key_id = line.split(" ")[:3] if line.count(" ") == 3 else ("", "", "")
        assert probe.has_key(slug, key_id) == (word == "key")


@pytest.mark.parametrize("vector", BAD_LISTS, ids=named)
def test_a_bad_admit_list_is_refused_with_line_and_fault(probe: Probe, vector: dict[str, Any]) -> None:
    assert probe.admit_list(vector["text"]) == ["fault", str(vector["line"]), vector["error"]]


def test_the_vectors_are_not_to_be_read_by_names_alone() -> None:
    """Two vectors of one name would hide each other in a report."""
    for vectors in (GOOD, BAD, GOOD_LISTS, BAD_LISTS):
        assert len({named(vector) for vector in vectors}) == len(vectors)
    assert Path(HERE / "vectors.json").read_text().isascii()
