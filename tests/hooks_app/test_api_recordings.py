"""What the API says of recordings, to whom, and what those who may can ask for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response

from hooks_app.api.recording_documents import Recording
from hooks_app.recording_tables import RecordingFileRow, UploadPartRow
from hooks_app.replays import made_by
from hooks_app.roles import Role
from tests.hooks_app.conftest import World
from tests.hooks_app.recordings_shelf import ARCHIVE, NAMES, Shelf
from tests.hooks_app.test_api_access import token

Ask = Callable[..., Response]


@pytest.fixture
def shelf(world: World) -> Shelf:
    shelf = Shelf(world)
    shelf.settings()
    return shelf


@pytest.fixture
def ask(world: World) -> Ask:
    """A request, by default of an admin."""

    def request(
        method: str, path: str, body: Any = None, role: Role = Role.ADMIN, owner: str | None = None
    ) -> Response:
        headers = {"Authorization": f"Bearer {token(world, role, owner)}"}
        answer: Response = world.client.request(method, f"/api/v1/{path}", json=body, headers=headers)
        return answer

    return request


def audited(ask: Ask) -> list[tuple[str, str]]:
    """Action and target of what was changed, the newest first."""
    return [(row["action"], row["target"]) for row in ask("GET", "audit").json()["items"]]


def test_recordings_are_listed_newest_first_in_pages_and_by_filter(shelf: Shelf, ask: Ask) -> None:
    numbers = [shelf.put(state=state) for state in ("archived", "finished", "recording")]
    first = ask("GET", "recordings?limit=2").json()
    second = ask("GET", f"recordings?limit=2&cursor={first['next']}").json()
    assert [one["id"] for one in first["items"] + second["items"]] == numbers[::-1]
    assert second["next"] is None
    assert [one["id"] for one in ask("GET", "recordings?state=finished&stream=demo").json()["items"]] == [numbers[1]]
    assert ask("GET", "recordings?stream=coffee-and-stocks").json()["items"] == []
    assert ask("GET", "recordings?state=live").status_code == 422
    # The size of what plays.
    assert {one["bytes"] for one in first["items"]} == {2000}


def test_recordings_of_an_event(shelf: Shelf, ask: Ask) -> None:
    event = shelf.event()
    mine = shelf.put(event_id=event)
    shelf.put()
    assert [one["id"] for one in ask("GET", f"recordings?event={event}").json()["items"]] == [mine]


def test_a_recording_says_where_each_of_its_files_is(shelf: Shelf, ask: Ask) -> None:
    number = shelf.put()
    shelf.change_file(number, "video", local_removed_at=shelf.world.clock.now())
    said = ask("GET", f"recordings/{number}", role=Role.VIEWER).json()
    assert set(said) == set(Recording.model_fields)
    files = {file["kind"]: file for file in said["files"]}
    video, raw = files["video"], files["raw"]
    assert (video["name"], video["bytes"], video["sha256"]) == (NAMES["video"], 2000, "ab" * 32)
    assert (video["state"], video["verified_by"], video["here"], video["in_store"]) == ("verified", "etag", False, True)
    assert video["url"].startswith("https://s3.example.org/live-recordings/recordings/demo/")
    assert (raw["state"], raw["here"], raw["in_store"], raw["url"]) == ("local", True, False, None)


def test_a_hold_keeps_it_from_being_removed_until_it_is_released(shelf: Shelf, ask: Ask) -> None:
    number = shelf.put()
    assert ask("DELETE", f"recordings/{number}").status_code == 202
    held = ask("POST", f"recordings/{number}/hold", {"reason": "a complaint"}).json()
    assert (held["hold_reason"], held["removal_asked_at"]) == ("a complaint", None)
    assert held["held_by"].startswith("token:")
    refused = ask("DELETE", f"recordings/{number}")
    assert (refused.status_code, "a complaint" in refused.json()["detail"]) == (409, True)
    for _ in range(2):
        assert ask("POST", f"recordings/{number}/release").json()["held_at"] is None
    assert ask("DELETE", f"recordings/{number}").json()["removal_asked_at"] is not None
    actions = [("recording.remove",), ("recording.release",), ("recording.hold",), ("recording.remove",)]
    assert audited(ask)[:4] == [(*action, str(number)) for action in actions]


def test_a_hold_is_not_promised_while_the_store_removes_it(shelf: Shelf, ask: Ask) -> None:
    number, now = shelf.put(), shelf.world.clock.now()
    shelf.change(number, remote_removal_until=now + timedelta(minutes=20))
    refused = ask("POST", f"recordings/{number}/hold", {"reason": "a complaint"})
    assert (refused.status_code, "is removing the recording" in refused.json()["detail"]) == (409, True)
    assert shelf.row(number).held_at is None
    # One that was killed at it: what is left can be held.
    shelf.change(number, remote_removal_until=now)
    assert ask("POST", f"recordings/{number}/hold", {"reason": "a complaint"}).status_code == 200


@pytest.mark.parametrize(
    "changed, names",
    [
        ({"prefix": "elsewhere"}, "names s3.example.org/live-recordings/elsewhere"),
        ({"bucket": "other-recordings"}, "names s3.example.org/other-recordings/recordings"),
        ({"endpoint": "https://s3.elsewhere.example"}, "names s3.elsewhere.example/live-recordings/recordings"),
    ],
    ids=["prefix", "bucket", "endpoint"],
)
def test_what_is_archived_in_another_place_is_out_of_reach_and_says_so(
    shelf: Shelf, ask: Ask, changed: dict[str, str], names: str
) -> None:
    event = shelf.event()
    number = shelf.put(event_id=event)
    shelf.change_file(number, "video", local_removed_at=shelf.world.clock.now())
    shelf.settings(archive=ARCHIVE.model_copy(update=changed))
    for answer in (ask("DELETE", f"recordings/{number}"), ask("POST", f"recordings/{number}/restore")):
        said = answer.json()["detail"]
        assert answer.status_code == 409
        assert said.startswith("The recording is in s3.example.org/live-recordings/recordings, and the spec ")
        assert names in said
    assert (shelf.row(number).removal_asked_at, shelf.row(number).restore_asked_at) == (None, None)
    (listed,) = ask("GET", "recordings").json()["items"]
    assert listed["fault"] == said
    assert {file["url"] for file in ask("GET", f"recordings/{number}").json()["files"]} == {None}
    assert replays(shelf, event) == []
    # What was not archived goes to the new one.
    assert ask("DELETE", f"recordings/{shelf.put(state='finished')}").status_code == 202


@pytest.mark.parametrize("changed", [{"access_key_id": "other"}, {"region": "eu-central-1"}])
def test_a_url_that_other_settings_made_is_not_told(shelf: Shelf, changed: dict[str, str]) -> None:
    event = shelf.event()
    number = shelf.put(event_id=event)
    assert len(replays(shelf, event)) == 1
    shelf.settings(archive=ARCHIVE.model_copy(update=changed))
    assert replays(shelf, event) == []
    shelf.change(number, replay_made_by=made_by(shelf.world.facts))
    assert len(replays(shelf, event)) == 1


def test_how_urls_are_made_has_a_fingerprint_of_everything_that_is_in_them(shelf: Shelf) -> None:
    found = set()
    for replay in ({}, {"mode": "proxied"}, {"mode": "public"}, {"public_url": "https://vod.example.org"}):
        shelf.settings(**{"mode": "presigned", **replay})
        found.add(made_by(shelf.world.facts))
    for changed in ({"bucket": "other"}, {"endpoint": "http://s3.example.org"}, {"addressing": "virtual"}):
        shelf.settings(archive=ARCHIVE.model_copy(update=changed))
        found.add(made_by(shelf.world.facts))
    assert len(found) == 7


def test_what_is_recorded_now_is_not_removed(shelf: Shelf, ask: Ask) -> None:
    assert ask("DELETE", f"recordings/{shelf.put(state='recording')}").status_code == 409
    shelf.world.go_live()
    # The first part of a session that goes on.
    number = shelf.put(session_id=shelf.world.sessions()[-1].id)
    assert ask("DELETE", f"recordings/{number}").json()["detail"] == "Its session is on air."
    assert shelf.row(number).removal_asked_at is None


def test_where_nothing_is_ever_removed_no_removal_is_promised(shelf: Shelf, ask: Ask) -> None:
    number = shelf.put(state="finished")
    shelf.settings(archive=None)
    refused = ask("DELETE", f"recordings/{number}")
    assert (refused.status_code, "no recordings.archive" in refused.json()["detail"]) == (409, True)
    assert shelf.row(number).removal_asked_at is None


def test_of_what_is_removed_nothing_more_can_be_asked(shelf: Shelf, ask: Ask) -> None:
    number = shelf.put(state="removed")
    answers = [ask("DELETE", f"recordings/{number}"), ask("POST", f"recordings/{number}/restore")]
    answers.append(ask("POST", f"recordings/{number}/hold", {"reason": "late"}))
    assert {answer.status_code for answer in answers} == {409}


def test_files_are_restored_where_the_store_alone_has_them(shelf: Shelf, ask: Ask) -> None:
    number = shelf.put()
    assert ask("POST", f"recordings/{number}/restore").status_code == 409
    shelf.change_file(number, "video", local_removed_at=shelf.world.clock.now())
    asked = ask("POST", f"recordings/{number}/restore", role=Role.OPERATOR)
    assert (asked.status_code, asked.json()["restore_asked_at"] is not None) == (202, True)
    assert audited(ask)[0] == ("recording.restore", str(number))
    # A removal is the later word.
    assert ask("DELETE", f"recordings/{number}").json()["restore_asked_at"] is None
    assert ask("POST", f"recordings/{number}/restore").status_code == 409


@pytest.mark.parametrize(
    "method, path, body, role",
    [
        ("POST", "hold", {"reason": "x"}, Role.OPERATOR),
        ("POST", "release", None, Role.OPERATOR),
        ("POST", "restore", None, Role.SCHEDULER),
        ("DELETE", "", None, Role.OPERATOR),
    ],
)
def test_who_may_not(shelf: Shelf, ask: Ask, method: str, path: str, body: Any, role: Role) -> None:
    assert ask(method, f"recordings/{shelf.put()}/{path}".rstrip("/"), body, role).status_code == 403


def test_another_owner_s_recordings_are_not_there(shelf: Shelf, ask: Ask) -> None:
    assert ask("POST", "owners", {"name": "marketing", "title": "M"}).status_code == 201
    number = shelf.put()
    other = {"role": Role.ADMIN, "owner": "marketing"}
    assert ask("GET", "recordings", **other).json()["items"] == []
    assert ask("GET", "recordings/status", **other).json()["recordings"]["archived"] == 0
    for method, path, body in (("GET", "", None), ("POST", "/hold", {"reason": "x"}), ("DELETE", "", None)):
        assert ask(method, f"recordings/{number}{path}", body, **other).status_code == 404
    shelf.put(owner="marketing")
    assert len(ask("GET", "recordings", **other).json()["items"]) == 1


@pytest.mark.parametrize("number, status", [("0", 422), ("-1", 422), ("999", 404), (str(2**40), 422)])
def test_there_is_no_such_recording(shelf: Shelf, ask: Ask, number: str, status: int) -> None:
    assert ask("GET", f"recordings/{number}").status_code == status
    assert ask("DELETE", f"recordings/{number}").status_code == status


def test_the_status_says_how_far_everything_is(shelf: Shelf, ask: Ask) -> None:
    shelf.put()
    waiting = shelf.put(state="finished")
    shelf.archiver(store_fault="The store does not answer.", recording_stopped=True)
    with shelf.world.database.write() as db:
        row = db.query(RecordingFileRow).filter_by(recording_id=waiting, kind="video").one()
        db.add(UploadPartRow(file_id=row.id, number=1, bytes=500, md5="0" * 32, etag="e", at=shelf.world.clock.now()))
    said = ask("GET", "recordings/status", role=Role.VIEWER).json()
    assert (said["mode"], said["replay"]) == ("archive", "presigned")
    assert said["recordings"] == {"recording": 0, "closed": 0, "finished": 1, "archived": 1, "removed": 0}
    assert (said["local_bytes"], said["waiting_bytes"], said["waiting_sent_bytes"]) == (20_000, 9000, 500)
    (archiver,) = said["archivers"]
    assert (archiver["host"], archiver["recording_stopped"], archiver["sent_bytes"]) == ("origin-1", True, 7)
    assert archiver["store_fault"] == "The store does not answer."


def test_without_recordings_the_status_says_so(world: World, ask: Ask) -> None:
    said = ask("GET", "recordings/status").json()
    assert (said["mode"], said["replay"], said["archivers"]) == ("absent", "off", [])


def replays(shelf: Shelf, event: int) -> list[dict[str, Any]]:
    """What the audience is told of an event's recordings."""
    said = shelf.world.client.get(f"/api/v1/events/{event}").json()
    assert said["replay"] == (said["replays"] or [None])[0]
    assert shelf.world.client.get("/api/v1/streams/demo").json()["event"]["replays"] == said["replays"]
    found: list[dict[str, Any]] = said["replays"]
    return found


def test_the_audience_is_told_where_an_event_is_watched_again_and_nothing_else(shelf: Shelf) -> None:
    event = shelf.event()
    assert replays(shelf, event) == []
    shelf.put(event_id=event)
    (replay,) = replays(shelf, event)
    assert set(replay) == {"url", "until", "seconds", "playlist", "strip", "index"}
    assert replay["url"].startswith("https://s3.example.org/live-recordings/recordings/demo/")
    assert (replay["seconds"], replay["until"] is not None) == (60, True)
    assert replay["strip"].split("?")[0].endswith(".strip.jpg")
    assert replay["index"].split("?")[0].endswith(".strip.vtt")
    said = json.dumps(shelf.world.client.get(f"/api/v1/events/{event}").json() | {"replay": None, "replays": []})
    assert "s3.example.org" not in said
    assert "recording" not in said


def test_several_recordings_come_in_their_order(shelf: Shelf) -> None:
    event = shelf.event()
    later = shelf.put(event_id=event, number=2)
    first = shelf.put(event_id=event)
    shelf.change(first, started_at=shelf.world.clock.now() - timedelta(hours=6))
    found = [replay["url"].split("/")[-2].rpartition("-")[2] for replay in replays(shelf, event)]
    assert found == [str(first), str(later)]


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "finished"},
        {"removal_asked_at": True},
        {"remote_removed_at": True},
        {"replay_url": None},
        {"replay_until": True},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_cannot_or_must_not_be_watched_is_not_told(shelf: Shelf, changed: dict[str, Any]) -> None:
    event = shelf.event()
    number = shelf.put(event_id=event)
    now = shelf.world.clock.now()
    shelf.change(number, **{name: now if value is True else value for name, value in changed.items()})
    assert replays(shelf, event) == []


def test_a_url_is_told_only_while_it_is_good_for_a_minute(shelf: Shelf) -> None:
    event = shelf.event()
    shelf.put(event_id=event, good_minutes=2)
    assert len(replays(shelf, event)) == 1
    shelf.world.clock.sleep(59)
    assert len(replays(shelf, event)) == 1
    shelf.world.clock.sleep(3)
    assert replays(shelf, event) == []


def test_a_hold_does_not_keep_it_from_being_watched(shelf: Shelf) -> None:
    event = shelf.event()
    shelf.change(shelf.put(event_id=event), held_at=shelf.world.clock.now())
    assert len(replays(shelf, event)) == 1


def test_where_replay_is_off_nobody_is_told(shelf: Shelf, ask: Ask) -> None:
    shelf.settings(mode="off")
    event = shelf.event()
    number = shelf.put(event_id=event)
    assert replays(shelf, event) == []
    assert {file["url"] for file in ask("GET", f"recordings/{number}").json()["files"]} == {None}


def test_through_nginx_the_address_is_the_site_s_own_and_shows_no_signature(shelf: Shelf) -> None:
    shelf.settings(mode="proxied")
    event = shelf.event()
    number = shelf.put(event_id=event)
    own = f"https://live.example.org/replay/{number}"
    shelf.change(number, replay_url=f"{own}/{NAMES['video']}", replay_until=None)
    (replay,) = replays(shelf, event)
    assert (replay["url"], replay["until"]) == (f"{own}/{NAMES['video']}", None)
    assert (replay["strip"], replay["index"]) == (f"{own}/{NAMES['strip']}", f"{own}/{NAMES['index']}")


@pytest.mark.parametrize("mode, is_told", [("proxied", True), ("public", True), ("presigned", False)])
def test_the_ladder_is_told_where_nobody_has_to_sign_what_its_playlists_name(
    shelf: Shelf, mode: str, is_told: bool
) -> None:
    more = {"public_url": "https://vod.example.org/recordings"} if mode == "public" else {}
    shelf.settings(mode=mode, **more)
    event = shelf.event()
    number = shelf.put(event_id=event)
    assert replays(shelf, event)[0]["playlist"] is None
    shelf.ladder(number)
    (replay,) = replays(shelf, event)
    assert replay["url"].split("?")[0].endswith(".mp4")
    assert (replay["playlist"] or "").split("?")[0].endswith("/ladder.m3u8") == is_told
    assert bool(replay["playlist"]) == is_told
