"""Is the hook body what nginx wrote, and nothing that a publisher added?"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooks_app.form import DONE_FIELDS, PUBLISH_FIELDS, RefusedError, parse_done, parse_publish
from tests.hooks_app.conftest import FORM, World
from tests.hooks_app.fakes import body, done_body, publish_body, publish_pairs

RESERVED = sorted({*PUBLISH_FIELDS, *DONE_FIELDS})
SLUGS_REFUSED = [
    "", "-demo", "Demo", "demo ", " demo", "demo\n", "demo\r", "demo\t", "../demo", "..", "demo/..", "demo/x",
    "demo%2f", "demo\0", "\0", "demo;id", "demo|id", "$(id)", "`id`", "demo&x", "demo=x", "demo?x", "%i", "demo%i",
    "%%", "demo@x", "demo.service", ".demo", "demo_x", "d\u00e9mo", "d\u0435mo", "\uff44\uff45\uff4d\uff4f",
    "demo\u200b", "\u202edemo", "a" * 41, "a" * 300, "demo\\x2d", "'demo'", '"demo"', "*", "demo*", "[a-z]emo",
    "demo,demo", "~demo", "demo:1", "con\u0301",
]  # fmt: skip


def encoded(draw: st.DrawFn, name: str) -> str:
    """A spelling of a field name: some characters percent-encoded, in either case."""
    spelling = st.sampled_from(["{0}", "%{1:02x}", "%{1:02X}"])
    return "".join(draw(spelling).format(character, ord(character)) for character in name)


@st.composite
def polluted_bodies(draw: st.DrawFn) -> bytes:
    """A body in which at least one reserved field is there once more, anywhere, in any spelling."""
    pairs = [f"{name}={value}" for name, value in publish_pairs()] + ["key=secret"]
    for name in draw(st.lists(st.sampled_from(RESERVED), min_size=1, max_size=4)):
        value = draw(st.sampled_from(["demo", "live", "127.0.0.1", "publish", "secret", ""]))
        pairs.insert(draw(st.integers(0, len(pairs))), f"{encoded(draw, name)}={value}")
    return "&".join(pairs).encode()


def test_an_honest_publish_is_read() -> None:
    call = parse_publish(publish_body("secret", client=42))
    assert (call.application, call.slug, call.client_id, call.key) == ("live", "demo", 42, "secret")


def test_an_honest_done_is_read() -> None:
    assert parse_done(done_body("secret", client=42)).client_id == 42


@given(polluted_bodies())
def test_a_reserved_field_sent_twice_is_refused_in_every_order_and_encoding(content: bytes) -> None:
    with pytest.raises(RefusedError):
        parse_publish(content)


@given(st.permutations([*publish_pairs(), ("key", "secret")]))
def test_the_fields_are_refused_in_any_order_but_nginx_own(pairs: list[tuple[str, str]]) -> None:
    if [name for name, _ in pairs] != list(PUBLISH_FIELDS):
        with pytest.raises(RefusedError):
            parse_publish(body(pairs))


@given(st.binary(max_size=400))
def test_garbage_is_refused_and_never_an_error(content: bytes) -> None:
    for parse in (parse_publish, parse_done):
        with pytest.raises(RefusedError):
            parse(content)


@given(st.sampled_from(PUBLISH_FIELDS))
def test_a_missing_field_is_refused(missing: str) -> None:
    pairs = [pair for pair in [*publish_pairs(), ("key", "secret")] if pair[0] != missing]
    with pytest.raises(RefusedError):
        parse_publish(body(pairs))


@pytest.mark.parametrize(
    "query",
    [
        "key=a&key=a", "key=a&name=demo", "name=demo&key=a", "n%61me=demo&key=a", "%6be%79=a", "k%65y=a&key=a", "Key=a",
        "key=a&", "&key=a", "key", "key=a;name=demo&x=1", "key[]=a", "key=a&utm=1", "key%00=a", " key=a", "+key=a", "",
    ],
)  # fmt: skip
def test_a_publisher_may_send_one_key_and_nothing_else(query: str) -> None:
    with pytest.raises(RefusedError):
        parse_publish(body(publish_pairs(), query))


@pytest.mark.parametrize("value", ["%", "%4", "%zz", "%u0041", "%00", "%ff", "%c3%28", "%ed%a0%80", "a%00b"])
def test_broken_encodings_are_refused(value: str) -> None:
    with pytest.raises(RefusedError):
        parse_publish(body(publish_pairs(), f"key={value}"))


@pytest.mark.parametrize("client", ["", "-1", "7x", "0x7", "\u0667", "1" * 19, "7 ", "1e3"])
def test_a_client_id_is_a_plain_number(client: str) -> None:
    with pytest.raises(RefusedError):
        parse_publish(publish_body("secret", clientid=client))


@pytest.mark.parametrize("call", ["publish_done", "play", "Publish", "", "publish "])
def test_a_call_for_another_hook_is_refused(call: str) -> None:
    with pytest.raises(RefusedError):
        parse_publish(publish_body("secret", call=call))


@pytest.mark.parametrize("slug", SLUGS_REFUSED)
def test_a_hostile_name_is_refused_before_any_row_unit_or_file(world: World, slug: str) -> None:
    assert world.publish(name=slug) == 403
    assert (world.units.calls, world.sessions()) == ([], [])
    assert not Path(world.facts.media_root).exists()


@pytest.mark.parametrize("application", ["", "Live", "live2", "live/x", "live?x", "vod", "live "])
def test_another_application_is_refused(world: World, application: str) -> None:
    assert world.post("on_publish", publish_body(world.key, app=application)) == 403


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nobody waits for a refusal: how long that takes is the throttle's test's matter."""
    monkeypatch.setattr("hooks_app.throttle.DELAY_SECONDS", 0.0)
    return monkeypatch


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(polluted_bodies())
def test_pollution_is_answered_403_and_starts_nothing(
    world: World, impatient: pytest.MonkeyPatch, content: bytes
) -> None:
    assert world.post("on_publish", content.replace(b"secret", world.key.encode())) == 403
    assert world.units.calls == []


@pytest.mark.parametrize("media_type", ["", "text/plain", "multipart/form-data", "application/json"])
def test_only_a_form_is_read(world: World, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    answer = world.client.post("/hooks/on_publish", content=publish_body(world.key), headers=headers)
    assert answer.status_code == 403


def test_a_body_over_64_kb_is_refused(world: World) -> None:
    content = publish_body(world.key, pageurl="x" * 65536)
    assert world.client.post("/hooks/on_publish", content=content, headers=FORM).status_code == 403


def test_a_call_shows_its_key_to_nobody() -> None:
    assert "secret" not in repr(parse_publish(publish_body("secret")))
