"""Can what is told be seen and switched over the API and by command, and only by who may?"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from httpx2 import Response
from typer.testing import CliRunner

from hooks_app.api.announcements import Message
from hooks_app.ctl.app import app
from hooks_app.roles import Role
from tests.hooks_app.announcer.conftest import Stage
from tests.hooks_app.test_api_access import token

Ask = Callable[..., Response]


@pytest.fixture
def ask(stage: Stage) -> Ask:
    """A request, by default of an admin."""
    stage.world.start()

    def request(
        method: str, path: str, body: Any = None, role: Role = Role.ADMIN, owner: str | None = None
    ) -> Response:
        headers = {"Authorization": f"Bearer {token(stage.world, role, owner)}"}
        answer: Response = stage.world.client.request(method, f"/api/v1/{path}", json=body, headers=headers)
        return answer

    return request


def test_the_spec_s_destinations_are_declared(ask: Ask) -> None:
    (place,) = ask("GET", "destinations").json()["items"]
    assert (place["name"], place["kind"], place["declared"], place["enabled"]) == ("chat", "discord", True, True)
    assert "secret" not in json.dumps(place["settings"])


def test_a_destination_of_the_spec_is_only_switched_here(stage: Stage, ask: Ask) -> None:
    headers = {"Authorization": f"Bearer {token(stage.world, Role.ADMIN)}", "If-Match": "*"}
    path, client = "/api/v1/destinations/chat", stage.world.client
    for changes in ({"title": "Mine"}, {"settings": {}}, {"enabled": False, "title": "Mine"}):
        answer = client.patch(path, json=changes, headers=headers)
        assert (answer.status_code, "change it there and deploy" in answer.json()["detail"]) == (409, True)
    assert client.patch(path, json={"enabled": False}, headers=headers).json()["enabled"] is False
    assert client.delete(path, headers=headers).status_code == 409
    assert ask("GET", "destinations/chat").json()["title"] != "Mine"


def test_a_destination_that_the_spec_does_not_declare_is_a_name_to_switch_and_is_told_nothing(
    stage: Stage, ask: Ask
) -> None:
    body = {"name": "simulcast", "kind": "rtmp", "title": "Elsewhere"}
    assert ask("POST", "destinations", body).json()["declared"] is False
    window = {"starts_at": "2026-03-01T12:00:00Z", "ends_at": "2026-03-01T13:00:00Z"}
    event = {"slug": "demo", "title": "Coffee", "destinations": {"simulcast": True}, **window}
    assert ask("POST", "events", event).json()["plan"]["destinations"] == {"simulcast": True}
    stage.world.go_live()
    stage.run()
    assert {message.destination for message in stage.messages()} == {"chat"}


def test_a_destination_that_left_the_spec_is_gone(stage: Stage, ask: Ask) -> None:
    stage.world.facts = stage.world.facts.model_copy(update={"announcements": None})
    stage.world.start()
    assert ask("GET", "destinations").json()["items"] == []
    assert ask("GET", "announcements").json()["mode"] == "absent"


def test_an_event_s_page_shows_what_was_told_where_and_when(stage: Stage, ask: Ask) -> None:
    stage.world.go_live()
    stage.run()
    event = stage.messages()[0].event_id
    (told,) = ask("GET", f"events/{event}").json()["announced"]
    assert (told["destination"], told["occasion"], told["state"]) == ("chat", "live", "sent")
    assert told["at"].startswith("2026-03-01T12:00:0")
    assert [one["id"] for one in ask("GET", f"events/{event}/announcements").json()["items"]] == [told["message_id"]]
    # The audience is not told where others are told.
    assert stage.world.client.get(f"/api/v1/events/{event}").json()["announced"] is None


def test_queue_and_history(stage: Stage, ask: Ask) -> None:
    stage.world.go_live()
    stage.worker.look()
    (queued,) = ask("GET", "announcements/messages?state=queued").json()["items"]
    assert set(queued) == set(Message.model_fields)
    assert (queued["title"], queued["attempts"]) == ("Demo", 0)
    stage.run()
    assert ask("GET", "announcements/messages?state=queued").json()["items"] == []
    (sent,) = ask("GET", "announcements/messages?destination=chat&stream=demo").json()["items"]
    assert (sent["state"], sent["status"]) == ("sent", 200)
    assert "SECRET-OF-THE-URL" not in ask("GET", "announcements/messages").text


def test_pages(stage: Stage, ask: Ask) -> None:
    for hour in (2, 4, 6):
        stage.plan(stage.world.clock.now().replace(hour=12 + hour))
    stage.run()
    first = ask("GET", "announcements/messages?limit=2").json()
    second = ask("GET", f"announcements/messages?limit=2&cursor={first['next']}").json()
    assert [len(first["items"]), len(second["items"]), second["next"]] == [2, 1, None]


def test_a_dead_message_is_replayed(stage: Stage, ask: Ask) -> None:
    stage.discord.always = (400, {}, b"")
    stage.world.go_live()
    stage.run()
    stage.discord.always = None
    number = stage.messages()[0].id
    assert ask("POST", f"announcements/messages/{number}/replay").json()["state"] == "queued"
    stage.run()
    (row,) = stage.messages()
    assert (row.state, row.repeated) == ("sent", False)
    assert ask("POST", f"announcements/messages/{number}/replay").status_code == 200
    assert ask("POST", f"announcements/messages/{number}/replay").status_code == 409
    stage.run()
    assert stage.messages()[0].repeated is True


def test_what_is_not_true_any_more_is_not_replayed(stage: Stage, ask: Ask) -> None:
    stage.discord.always = (400, {}, b"")
    stage.world.go_live()
    stage.run()
    stage.world.leave()
    ask("POST", f"announcements/messages/{stage.messages()[0].id}/replay")
    stage.run()
    assert (stage.messages()[0].state, stage.messages()[0].reason) == ("dropped", "over before it could be told")


def test_mute_mend_and_switch(stage: Stage, ask: Ask) -> None:
    assert ask("POST", "announcements/places/chat/mute", {"minutes": 60}).json()["muted_until"] is not None
    assert ask("POST", "announcements/places/chat/mute", {"minutes": 0}).json()["muted_until"] is None
    stage.discord.always = (404, {}, b"")
    stage.world.go_live()
    stage.run()
    (place,) = ask("GET", "announcements").json()["places"]
    assert (place["broken_reason"], place["dead"]) == ("HTTP 404", 1)
    assert ask("POST", "announcements/places/chat/mend").json()["broken_at"] is None
    assert ask("PUT", "announcements/switch", {"on": False}).json()["on"] is False
    assert [one["action"] for one in ask("GET", "audit").json()["items"]][:2] == ["announcements.switch", "place.mend"]


@pytest.mark.parametrize(
    "method, path, body, role",
    [
        ("GET", "announcements/messages", None, None),
        ("POST", "announcements/messages/1/replay", None, Role.SCHEDULER),
        ("POST", "announcements/places/chat/mute", {"minutes": 1}, Role.SCHEDULER),
        ("POST", "announcements/places/chat/mend", None, Role.VIEWER),
        ("PUT", "announcements/switch", {"on": False}, Role.OPERATOR),
    ],
)
def test_who_may_not(stage: Stage, ask: Ask, method: str, path: str, body: Any, role: Role | None) -> None:
    if role is None:
        assert stage.world.client.request(method, f"/api/v1/{path}").status_code == 401
    else:
        assert ask(method, path, body, role).status_code == 403


def test_another_owner_s_token_sees_and_touches_nothing(stage: Stage, ask: Ask) -> None:
    assert ask("POST", "owners", {"name": "marketing", "title": "M"}).status_code == 201
    stage.world.go_live()
    stage.run()
    row = stage.messages()[0]
    other = {"role": Role.ADMIN, "owner": "marketing"}
    assert ask("GET", "announcements/messages", **other).json()["items"] == []
    assert ask("GET", "announcements", **other).json()["places"] == []
    assert ask("GET", f"events/{row.event_id}", **other).json()["announced"] is None
    for method, path, body in (
        ("GET", f"events/{row.event_id}/announcements", None),
        ("POST", f"announcements/messages/{row.id}/replay", None),
        ("POST", "announcements/places/chat/mute", {"minutes": 1}),
        ("POST", "announcements/places/chat/mend", None),
    ):
        assert ask(method, path, body, **other).status_code == 404
    assert ask("PUT", "announcements/switch", {"on": False}, **other).status_code == 403


@pytest.fixture
def ctl(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Runs headend-ctl announce against a real server."""
    stage.world.start()
    (tmp_path / "token").write_text(token(stage.world, Role.ADMIN) + "\n")
    monkeypatch.setenv("HEADEND_TOKEN_FILE", str(tmp_path / "token"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(stage.world.app, lifespan="off", log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        facts = tmp_path / "ctl.json"
        port = listener.getsockname()[1]
        facts.write_text(stage.world.facts.model_copy(update={"listen_port": port}).model_dump_json())

        def run(*words: str) -> str:
            done = CliRunner().invoke(app, ["announce", *words, "--facts", str(facts)])
            assert done.exit_code == 0, done.output
            return done.output

        yield run
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_command_says_and_does_the_same(stage: Stage, ctl: Callable[..., str]) -> None:
    stage.world.go_live()
    stage.worker.look()
    assert "live" in ctl("queue")
    assert "on, mode live" in ctl("status")
    assert ctl("off") == "off\n"
    assert stage.run() == 0
    assert ctl("on") == "on\n"
    assert stage.run() == 1
    (row,) = json.loads(ctl("history", "--json"))
    assert (row["state"], row["destination"]) == ("sent", "chat")
    assert json.loads(ctl("replay", str(row["id"]), "--json"))["state"] == "queued"
    assert json.loads(ctl("mute", "chat", "5", "--json"))["muted_until"] is not None
    assert json.loads(ctl("mend", "chat", "--json"))["broken_at"] is None
    assert json.loads(ctl("status", "--json"))["places"][0]["name"] == "chat"


def test_metrics_count_what_came_of_each_and_how_long_others_wait(stage: Stage) -> None:
    stage.world.start()
    stage.world.go_live()
    stage.run()
    stage.discord.always = (500, {}, b"")
    stage.world.leave()
    stage.run()
    said = stage.world.client.get("/metrics").text
    assert 'headend_announcements_total{destination="chat",outcome="sent"} 1.0' in said
    assert 'headend_announcements_waiting{destination="chat"} 1.0' in said
    assert 'headend_destination_broken{destination="chat"} 0.0' in said
    assert "headend_announcer_on 1.0" in said
