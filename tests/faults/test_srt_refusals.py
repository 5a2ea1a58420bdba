"""Is nobody in over SRT? Whoever may not publish gets the code that says why, and leaves nothing: no unit, no row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from testbed.origin import Key
from testbed.srt_socket import (
    BAD_MODE,
    BAD_REQUEST,
    BAD_SECRET,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHORIZED,
    UNSECURE,
    UNSUPPORTED_MEDIA,
    SrtOptions,
    SrtRefused,
    connect,
)
from tests.support.encoders import Publish
from tests.support.hosts import Deployed
from tests.support.processes import until
from tests.support.show import TRUE_STATE_SECONDS
from tests.support.srt_tickets import HOUR, Desk, read_desk
from tests.support.traces import Traces, traces


def flipped(text: str) -> str:
    """One bit of the signature's second last character is another: the last one's lowest bits carry nothing."""
    at = text.rindex("sig=") + 4 + 41
    other = "B" if text[at] == "A" else "A"
    return text[:at] + other + text[at + 1 :]


REFUSALS: dict[str, tuple[int, Callable[[Desk], SrtOptions]]] = {
    "wrong_passphrase": (BAD_SECRET, lambda desk: replace(desk.encrypted(), passphrase="nobody-made-this-one")),
    "no_passphrase": (UNSECURE, lambda desk: replace(desk.encrypted(), passphrase="")),
    "passphrase_with_a_signature": (UNSECURE, lambda desk: replace(desk.encrypted(), stream_id=desk.signed_id())),
    "no_stream_id": (BAD_REQUEST, lambda desk: desk.encrypted("")),
    "no_key": (BAD_REQUEST, lambda desk: desk.encrypted("#!::r=demo,m=publish")),
    "two_keys": (BAD_REQUEST, lambda desk: desk.encrypted(f"demo?u={desk.key_id}&u={desk.key_id}")),
    "encoded": (BAD_REQUEST, lambda desk: desk.encrypted(f"%64emo?u={desk.key_id}")),
    "over_long": (BAD_REQUEST, lambda desk: desk.encrypted(f"demo?u={desk.key_id}&".ljust(512, "x"))),
    "traversal": (BAD_REQUEST, lambda desk: desk.encrypted(f"../demo?u={desk.key_id}")),
    "play_request": (BAD_MODE, lambda desk: desk.encrypted(f"#!::r=demo,m=request,u={desk.key_id}")),
    "file": (UNSUPPORTED_MEDIA, lambda desk: desk.encrypted(f"#!::r=demo,m=publish,t=file,u={desk.key_id}")),
    "no_such_stream": (NOT_FOUND, lambda desk: desk.encrypted(f"nobody?u={desk.key_id}")),
    "no_such_key": (FORBIDDEN, lambda desk: desk.encrypted("demo?u=00000000")),
    "expired": (FORBIDDEN, lambda desk: desk.signed(-HOUR)),
    "too_far_in_the_future": (FORBIDDEN, lambda desk: desk.signed(25 * HOUR)),
    "truncated_signature": (BAD_REQUEST, lambda desk: SrtOptions(stream_id=desk.signed_id()[:-1])),
    "flipped_bit": (UNAUTHORIZED, lambda desk: SrtOptions(stream_id=flipped(desk.signed_id()))),
    "signature_of_another_stream": (UNAUTHORIZED, lambda desk: desk.signed(of="other")),
}


@pytest.fixture(scope="module")
def desk(deployment: Deployed, key: Key) -> Desk:
    """Signs with the host's own master secret."""
    return read_desk(deployment.origin.host, deployment.origin.slug, key.key_id)


@pytest.fixture(scope="module")
def before(deployment: Deployed, key: Key) -> Traces:
    """What is on the host before anybody was refused."""
    deployment.origin.wait_off_air()
    return traces(deployment.origin.host)


LET_IN = 0


def answer(port: int, options: SrtOptions) -> int:
    """The code that a caller is refused with, or LET_IN."""
    try:
        connect("127.0.0.1", port, options).close()
    except SrtRefused as refused:
        return refused.code
    return LET_IN


@pytest.mark.parametrize("code,options", REFUSALS.values(), ids=REFUSALS)
def test_refused(
    deployment: Deployed, desk: Desk, before: Traces, code: int, options: Callable[[Desk], SrtOptions]
) -> None:
    assert answer(deployment.origin.srt_port, options(desk)) == code
    assert traces(deployment.origin.host) == before


def test_revoked_key_is_refused(deployment: Deployed) -> None:
    origin = deployment.origin
    with origin.spare_key() as spare:
        options = read_desk(origin.host, origin.slug, spare.key_id).encrypted()
    # The listener looks at its list five times a second: a caller in between is let in, and is cut off a moment later.
    until(2, lambda: answer(origin.srt_port, options) == FORBIDDEN)


def test_nonce_is_good_once(deployment: Deployed, desk: Desk) -> None:
    origin = deployment.origin
    ticket = desk.signed()
    # While the caller before this one goes, the stream is taken; a refusal for that costs no nonce.
    until(TRUE_STATE_SECONDS, lambda: answer(origin.srt_port, ticket) == LET_IN)
    until(TRUE_STATE_SECONDS, lambda: answer(origin.srt_port, ticket) == FORBIDDEN)


@pytest.mark.parametrize("protocol", ["rtmp", "srt"])
def test_live_stream_is_not_taken_over(
    deployment: Deployed, key: Key, desk: Desk, publish: Publish, protocol: str
) -> None:
    origin = deployment.origin
    url = origin.srt_url(key) if protocol == "srt" else origin.publish_url(key.secret)
    publisher = publish.to(url, reconnect=1.0)
    session = origin.wait_state("live")["session"]["id"]
    began = publisher.events()
    for options in (desk.encrypted(), desk.signed()):
        assert answer(origin.srt_port, options) == CONFLICT
    assert origin.state()["session"]["id"] == session
    assert publisher.events() == began
