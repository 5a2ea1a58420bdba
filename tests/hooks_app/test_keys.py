"""Are stream keys random, hashed, compared in constant time and revocable?"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headend.model.credential import rtmp_key
from hooks_app.keys import KeyRing, KeyRingError
from hooks_app.tables import StreamKeyRow
from tests.hooks_app.conftest import MASTER, World


def matched(world: World, secret: str) -> str | None:
    """The id of the active key with this secret."""
    key = world.keys.match("demo", secret)
    return key.key_id if key else None


def test_a_secret_has_256_random_bits_and_fits_a_url(world: World) -> None:
    secrets = {world.add_key("demo", "", replace=True)[1] for _ in range(20)}
    assert len(secrets) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_only_the_sha256_of_a_secret_is_stored(world: World) -> None:
    with world.database.read() as db:
        row = db.get_one(StreamKeyRow, world.key_id)
    assert row.secret_sha256 == hashlib.sha256(world.key.encode()).digest()


def test_every_active_key_is_compared_in_constant_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add_key("demo", "")
    compared: list[bytes] = []
    original = hmac.compare_digest

    def compare(stored: bytes, offered: bytes) -> bool:
        compared.append(stored)
        return original(stored, offered)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert matched(world, world.key) == world.key_id
    assert len(compared) == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.text())
def test_no_other_text_matches(world: World, text: str) -> None:
    assert world.keys.match("demo", text) is None


def test_revoking_twice_keeps_the_first_time(world: World) -> None:
    assert world.revoke_key(world.key_id)
    revoked_at = world.keys.list("demo")[0].revoked_at
    world.clock.sleep(60)
    assert world.revoke_key(world.key_id)
    assert world.keys.list("demo")[0].revoked_at == revoked_at


def test_a_key_that_does_not_exist_cannot_be_revoked(world: World) -> None:
    assert not world.revoke_key("00000000")


def test_a_secret_follows_from_the_master_the_stream_and_the_id(world: World) -> None:
    key_id, secret = world.add_key("demo", "")
    assert secret == rtmp_key(MASTER, "demo", key_id)
    assert world.keys.has_derived_secret("demo", key_id)


def test_without_a_master_secret_no_key_is_made(world: World) -> None:
    with pytest.raises(KeyRingError, match="no master secret"), world.database.write() as db:
        KeyRing(world.database, world.clock).add(db, "demo", "")
    assert len(world.keys.list()) == 1


def test_a_key_from_before_the_master_secret_is_admitted_and_known_to_be_older(world: World) -> None:
    with world.database.write() as db:
        db.get_one(StreamKeyRow, world.key_id).secret_sha256 = hashlib.sha256(b"random").digest()
    assert matched(world, "random") == world.key_id
    assert not world.keys.has_derived_secret("demo", world.key_id)


def test_a_stream_has_two_active_keys_at_most(world: World) -> None:
    world.add_key("demo", "")
    with pytest.raises(KeyRingError, match="2 keys are active"):
        world.add_key("demo", "")
    world.add_key("coffee-and-stocks", "")


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_key_that_admits_nobody_does_not_count(world: World, how: str) -> None:
    key_id, _ = world.add_key("demo", "", world.clock.now() + timedelta(minutes=1))
    if how == "revoked":
        world.revoke_key(key_id)
    else:
        world.clock.sleep(62)
    assert world.add_key("demo", "")


def test_replacing_revokes_the_older_of_two_and_nothing_before_there_are_two(world: World) -> None:
    world.clock.sleep(1)
    second, _ = world.add_key("demo", "", replace=True)
    assert len(world.keys.unrevoked()) == 2
    world.clock.sleep(1)
    third, _ = world.add_key("demo", "", replace=True)
    assert [key.key_id for key in world.keys.unrevoked()] == [second, third]


def test_a_key_is_active_for_its_own_stream_until_it_expires(world: World) -> None:
    key_id, secret = world.add_key("demo", "", world.clock.now() + timedelta(minutes=1, milliseconds=700))
    assert world.keys.active("coffee-and-stocks", key_id) is None
    world.clock.sleep(60)
    assert world.keys.active("demo", key_id) is not None
    assert matched(world, secret) == key_id
    world.clock.sleep(1)
    assert (world.keys.active("demo", key_id), world.keys.match("demo", secret)) == (None, None)
