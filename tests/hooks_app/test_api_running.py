"""Can the origin be run over the API: keys, kicks, streams made at run time, sessions?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from hooks_app.roles import Role
from tests.hooks_app.conftest import World
from tests.hooks_app.test_api_access import token

Ask = Callable[..., Response]


@pytest.fixture
def ask(world: World) -> Ask:
    """A request of an admin."""
    headers = {"Authorization": f"Bearer {token(world, Role.ADMIN)}"}

    def request(method: str, path: str, body: Any = None, **more: str) -> Response:
        answer: Response = world.client.request(method, f"/api/v1/{path}", json=body, headers={**headers, **more})
        return answer

    return request


def test_a_key_is_made_and_lets_in_and_its_secret_is_shown_once(world: World, ask: Ask) -> None:
    world.clock.sleep(1)
    made = ask("POST", "keys", {"slug": "demo", "label": "guest"})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    secret = made.json()["secret"]
    assert made.json()["stream_key"] == f"demo?key={secret}"
    assert world.publish(key=secret) == 200
    listed = ask("GET", "keys?stream=demo")
    assert secret not in listed.text
    assert [(one["label"], one["state"]) for one in listed.json()["items"]] == [
        ("studio", "active"),
        ("guest", "active"),
    ]
    assert listed.json()["items"][1]["last_used_at"] == "2026-03-01T12:00:01Z"


@pytest.mark.usefixtures("broken_audit")
@pytest.mark.parametrize(
    "path, body",
    [
        ("keys", {"slug": "demo"}),
        ("keys/{key_id}/rotate", None),
        ("keys/{key_id}/revoke", None),
        ("streams/demo/kick", {}),
    ],
)
def test_what_cannot_be_noted_in_the_audit_is_not_done(world: World, ask: Ask, path: str, body: Any) -> None:
    world.go_live()
    before = world.keys.list()
    assert ask("POST", path.format(key_id=world.key_id), body).status_code == 503
    assert world.keys.list() == before
    assert ([row.ending for row in world.sessions()], world.ingest.dropped) == ([None], [])


def test_the_audit_says_which_key_was_rotated(world: World, ask: Ask) -> None:
    made = ask("POST", f"keys/{world.key_id}/rotate").json()
    (entry,) = ask("GET", "audit").json()["items"]
    assert (entry["action"], entry["target"], entry["detail"]) == (
        "key.rotate", made["key_id"], {"rotated": world.key_id},
    )  # fmt: skip


def test_keys_and_tokens_are_listed_in_pages(world: World, ask: Ask) -> None:
    for number in range(5):
        world.add_key("coffee-and-stocks", f"{number}", replace=True)
        ask("POST", "tokens", {"role": "viewer", "label": f"{number}"})
        # Several of one moment have an order as well.
        world.clock.sleep(number % 2)
    for path, name, count in (("keys", "key_id", 6), ("tokens", "token_id", 6), ("keys?stream=demo", "key_id", 1)):
        seen, cursor = [], None
        joint = "&" if "?" in path else "?"
        while True:
            page = ask("GET", f"{path}{joint}limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
            assert len(page["items"]) <= 2
            seen += [one[name] for one in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == [one[name] for one in ask("GET", path).json()["items"]]
        assert len(set(seen)) == count


@pytest.mark.parametrize("cursor", ["x", "bm9ib2R5", "JycnJycn", "~", "a" * 65])
def test_a_cursor_that_is_none_is_422(ask: Ask, cursor: str) -> None:
    for path in ("keys", "tokens", "sessions"):
        assert ask("GET", f"{path}?cursor={cursor}").status_code == 422


def test_a_third_active_key_is_refused_and_replace_makes_room(ask: Ask) -> None:
    ask("POST", "keys", {"slug": "demo"})
    assert ask("POST", "keys", {"slug": "demo"}).status_code == 409
    assert ask("POST", "keys", {"slug": "demo", "replace": True}).status_code == 201


def test_a_rotated_key_goes_on_for_a_day(world: World, ask: Ask) -> None:
    made = ask("POST", f"keys/{world.key_id}/rotate").json()
    assert world.keys.match("demo", world.key) is not None
    world.clock.sleep(86_400 + 1)
    assert world.keys.match("demo", world.key) is None
    assert world.keys.match("demo", made["secret"]) is not None
    assert ask("POST", f"keys/{world.key_id}/rotate").status_code == 409


def test_a_revoked_key_cuts_who_is_on_air_by_it(world: World, ask: Ask) -> None:
    world.go_live()
    assert ask("POST", f"keys/{world.key_id}/revoke").json()["state"] == "revoked"
    assert world.ingest.dropped == ["demo"]
    world.leave()
    assert world.sessions()[0].reason == "key revoked"


@pytest.mark.parametrize(
    "wrong, status",
    [
        ({"slug": "nope"}, 404),
        ({"slug": "demo", "expires_at": "2026-01-01T00:00:00Z"}, 422),
        ({"slug": "demo", "event_id": 7}, 422),
        ({"slug": "demo", "event_id": 7, "gate": "events"}, 404),
        ({"slug": "demo", "gate": "never"}, 422),
    ],
)
def test_a_key_that_cannot_be_is_refused(ask: Ask, wrong: dict[str, Any], status: int) -> None:
    assert ask("POST", "keys", wrong).status_code == status


def test_a_kick_ends_what_is_on_air(world: World, ask: Ask) -> None:
    assert ask("POST", "streams/demo/kick", {}).json() == {"kicked": False}
    world.go_live()
    assert ask("POST", "streams/demo/kick", {"reason": "wrong film"}).json() == {"kicked": True}
    world.leave()
    (session,) = ask("GET", "sessions").json()["items"]
    assert (session["state"], session["reason"]) == ("ended", "kicked: wrong film")


def test_a_heartbeat_is_a_hint_and_its_answer_the_truth(world: World, ask: Ask) -> None:
    assert ask("POST", "streams/demo/heartbeat", {"status": "live"}).json()["state"] == "offline"
    world.go_live()
    assert ask("POST", "streams/demo/heartbeat", {"status": "offline"}).json()["state"] == "live"


def test_a_session_tells_who_it_was_and_how_long(world: World, ask: Ask) -> None:
    world.go_live()
    world.rounds(1)
    world.clock.step(-3600)
    world.clock.sleep(60)
    (session,) = ask("GET", "sessions?stream=demo").json()["items"]
    assert session == ask("GET", f"sessions/{session['id']}").json()
    assert (session["key_id"], session["peer"], session["host"]) == (world.key_id, "203.0.113.9", "origin-1")
    assert (session["codecs"]["video"], session["seconds"]) == ("H264", 62.0)
    changes = ask("GET", "transitions").json()["items"]
    assert [(one["subject"], one["after"]) for one in changes][:2] == [("event", "live"), ("session", "live")]


@pytest.fixture
def made(world: World, ask: Ask, tmp_path: Path) -> Path:
    """A stream made at run time; the folder in which its encoder's script looks."""
    folder = tmp_path / "streams"
    folder.mkdir()
    world.facts = world.facts.model_copy(update={"streams_dir": str(folder)})
    world.start()
    assert ask("POST", "streams", {"slug": "pop-up", "title": "Pop-up"}).status_code == 201
    return folder


def test_a_stream_made_at_run_time_is_a_stream_like_any_other(world: World, ask: Ask, made: Path) -> None:
    file = made / "pop-up"
    assert (file.read_text(), oct(file.stat().st_mode & 0o777)) == ("default\n", "0o644")
    secret = ask("POST", "keys", {"slug": "pop-up"}).json()["secret"]
    assert world.publish(key=secret, name="pop-up") == 200
    assert world.state("pop-up") == "starting"
    assert "stream pop-up any taken" in world.admit_list()
    assert ask("DELETE", "streams/pop-up").status_code == 409


def test_it_is_still_there_after_a_restart_and_gone_when_it_is_removed(world: World, ask: Ask, made: Path) -> None:
    (made / "pop-up").unlink()
    (made / "stranger").write_text("default\n")
    with world.client:
        assert [path.name for path in made.iterdir()] == ["pop-up"]
        assert ask("DELETE", "streams/pop-up").status_code == 204
        assert (list(made.iterdir()), world.units.calls[-1]) == ([], "finish pop-up")
        assert world.client.get("/api/v1/streams/pop-up").status_code == 404


@pytest.mark.parametrize(
    "wrong, status",
    [
        ({"slug": "demo", "title": "x"}, 409),
        ({"slug": "new", "title": "x", "ladder": "nope"}, 422),
        ({"slug": "new", "title": "x", "owner": "nope"}, 404),
        ({"slug": "../etc", "title": "x"}, 422),
    ],
)
def test_a_stream_that_cannot_be_made_is_refused(ask: Ask, wrong: dict[str, Any], status: int) -> None:
    assert ask("POST", "streams", wrong).status_code == status


def test_a_declared_stream_cannot_be_removed(ask: Ask) -> None:
    assert ask("DELETE", "streams/demo").status_code == 409


def test_destinations_are_switched_by_operators_and_changed_by_admins(world: World, ask: Ask) -> None:
    body = {"name": "chat", "kind": "discord", "title": "Chat", "settings": {"secret": "discord-webhook"}}
    assert ask("POST", "destinations", body).status_code == 201
    assert ask("POST", "destinations", body).status_code == 409
    operator = {"Authorization": f"Bearer {token(world, Role.OPERATOR)}", "If-Match": '"1"'}
    path = "/api/v1/destinations/chat"
    assert world.client.patch(path, json={"title": "x"}, headers=operator).status_code == 403
    assert world.client.patch(path, json={"enabled": False}, headers=operator).json()["enabled"] is False
    assert ask("DELETE", "destinations/chat", **{"If-Match": '"1"'}).status_code == 412
    assert ask("DELETE", "destinations/chat", **{"If-Match": '"2"'}).status_code == 204


def test_an_owner_and_a_token_of_that_owner_are_made(world: World, ask: Ask) -> None:
    assert ask("POST", "owners", {"name": "news", "title": "News"}).status_code == 201
    made = ask("POST", "tokens", {"role": "viewer", "owner": "news", "label": "page"}).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    who = world.client.get("/api/v1/whoami", headers=headers).json()
    assert who == {"token_id": made["token_id"], "role": "viewer", "owner": "news"}
    assert made["token"] not in ask("GET", "tokens").text
    assert ask("POST", f"tokens/{made['token_id']}/revoke").json()["revoked_at"] is not None
    assert world.client.get("/api/v1/whoami", headers=headers).status_code == 401


def test_whoever_counts_viewers_tells_and_the_most_is_kept(world: World, ask: Ask) -> None:
    assert ask("POST", "streams/demo/viewers", {"viewers": 5}).status_code == 409
    world.go_live()
    assert ask("POST", "streams/demo/viewers", {"viewers": 50}).json() == {"peak_viewers": 50}
    assert ask("POST", "streams/demo/viewers", {"viewers": 20}).json() == {"peak_viewers": 50}
    assert ask("POST", "streams/demo/viewers", {"viewers": -1}).status_code == 422
    (session,) = ask("GET", "sessions").json()["items"]
    assert session["peak_viewers"] == 50
    assert ask("POST", "streams/nobody/viewers", {"viewers": 1}).status_code == 404
