"""Are stream keys random, hashed, compared in constant time and revocable?"""

from __future__ import annotations

import hashlib
import hmac
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hooks_app.tables import StreamKeyRow
from tests.hooks_app.conftest import World


def test_a_secret_has_256_random_bits_and_fits_a_url(world: World) -> None:
    secrets = {world.keys.add("demo", "")[1] for _ in range(20)}
    assert len(secrets) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_only_the_sha256_of_a_secret_is_stored(world: World) -> None:
    with world.database.read() as db:
        row = db.get_one(StreamKeyRow, world.key_id)
    assert row.secret_sha256 == hashlib.sha256(world.key.encode()).digest()


def test_every_active_key_is_compared_in_constant_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.keys.add("demo", "")
    compared: list[bytes] = []
    original = hmac.compare_digest

    def compare(stored: bytes, offered: bytes) -> bool:
        compared.append(stored)
        return original(stored, offered)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert world.keys.match("demo", world.key) == world.key_id
    assert len(compared) == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.text())
def test_no_other_text_matches(world: World, text: str) -> None:
    assert world.keys.match("demo", text) is None


def test_revoking_twice_keeps_the_first_time(world: World) -> None:
    assert world.keys.revoke(world.key_id)
    revoked_at = world.keys.list("demo")[0].revoked_at
    world.clock.sleep(60)
    assert world.keys.revoke(world.key_id)
    assert world.keys.list("demo")[0].revoked_at == revoked_at


def test_a_key_that_does_not_exist_cannot_be_revoked(world: World) -> None:
    assert not world.keys.revoke("00000000")
