"""A show on a deployed host, from its first frame to the object that plays, and off the host's disk.

Once with a well-behaved store (OpenStack Swift), once with one that does many things its own way (rclone).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import m3u8
import pytest
import requests

from testbed.object_store import gateway_of
from testbed.origin import Key
from testbed.places import ROOT
from testbed.publisher import Publisher
from testbed.rclone_s3 import Rclone
from testbed.swift import Swift
from testbed.viewer import Viewer
from tests.support.canary import LOOK, database_dump, files_with, found
from tests.support.hosts import Deployed
from tests.support.processes import until
from tests.support.recorded import Recorded, recorded
from tests.support.recording_ingest import decode

SECONDS = {"swift": 60.0, "rclone": 15.0}
STORES = {"swift": Swift, "rclone": Rclone}
# What is published before nginx lets the encoder in, and the last frames on the way.
LOST_SECONDS = 2.0
# Likewise, and what was in the encoder when its publisher left.
LADDER_LOST_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A show that is over and archived."""

    on: Recorded
    seconds: float
    """How long it was published."""
    seconds_to_archive: float
    """From the end of its session."""
    event_id: int
    recording: dict[str, Any]
    video: dict[str, Any]


@pytest.fixture(scope="module", params=STORES)
def kept(
    request: pytest.FixtureRequest,
    deployment: Deployed,
    key: Key,
    film: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Kept]:
    """The show, recorded to each store in turn. A grace of an hour: nothing goes yet."""
    origin, seconds = deployment.origin, SECONDS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with (
        STORES[request.param](gateway_of(origin.host)) as store,
        recorded(origin, store.place, folder, grace_hours=1, pieces=request.param != "rclone") as here,
    ):
        before = here.newest()
        publisher = Publisher.start(film, origin.publish_url(key.secret), folder / "publisher.jsonl", 1.0)
        try:
            began = publisher.wait("publishing")["at"]
            event_id = origin.wait_state("live")["event"]["id"]
            time.sleep(began + seconds - time.monotonic())
        finally:
            publisher.stop()
        published = time.monotonic() - began
        origin.wait_state("ended", seconds=20)
        ended = time.monotonic()
        found = here.wait_archived(before["id"] if before else 0)
        (video,) = (file for file in found["files"] if file["kind"] == "video")
        yield Kept(here, published, time.monotonic() - ended, event_id, found, video)


def test_every_file_is_verified_and_the_event_says_archived(kept: Kept) -> None:
    # Not before every part of the session must have been seen (hooks_app/archive/archived_events.py).
    until(30, lambda: kept.on.origin.state()["state"] == "archived")
    event = get(kept, f"events/{kept.event_id}")
    assert (event["state"], kept.recording["event"], kept.recording["fault"]) == ("archived", kept.event_id, None)
    assert {file["state"] for file in kept.recording["files"] if file["object_key"]} == {"verified"}
    print(f"archived {kept.seconds_to_archive:.1f} s after the end of {kept.seconds:.0f} s")


def test_the_object_is_the_file_of_the_host_and_plays_from_start_to_end(kept: Kept, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    stored = kept.on.object(kept.video["object_key"], copy)
    assert stored == kept.video["sha256"] == kept.on.local_sha256(kept.recording["id"], kept.video["name"])
    assert decode(copy) == ""
    argv = ["ffprobe", "-v", "error", "-show_entries", "format=duration:stream=codec_name,duration", "-of", "json"]
    probed = json.loads(subprocess.run([*argv, copy], capture_output=True, check=True).stdout)
    assert sorted(stream["codec_name"] for stream in probed["streams"]) == ["aac", "h264"]
    for length in (probed["format"], *probed["streams"]):
        assert kept.seconds - LOST_SECONDS < float(length["duration"]) < kept.seconds + LOST_SECONDS


def test_viewers_watch_it_again_through_nginx_web(kept: Kept) -> None:
    until(30, lambda: get(kept, f"events/{kept.event_id}")["replay"] is not None)
    url = get(kept, f"events/{kept.event_id}")["replay"]["url"]
    assert url.startswith(f"{kept.on.origin.http}/replay/{kept.recording['id']}/")
    with requests.Session() as viewer:
        viewer.trust_env = False
        whole = viewer.get(url, timeout=30)
        assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
        assert hashlib.sha256(whole.content).hexdigest() == kept.video["sha256"]
        some = viewer.get(url, headers={"Range": "bytes=1000000-1000999"}, timeout=30)
        assert (some.status_code, some.content) == (206, whole.content[1_000_000:1_001_000])
        last = viewer.get(url, headers={"Range": "bytes=-500"}, timeout=30)
        assert (last.status_code, last.content) == (206, whole.content[-500:])
        assert viewer.get(f"{url}.other", timeout=30).status_code == 404
    assert not any(word in whole.headers for word in ("x-amz-request-id", "x-trans-id", "server-side-encryption"))


def test_the_ladder_plays_again_too_in_every_rendition(kept: Kept) -> None:
    until(30, lambda: get(kept, f"events/{kept.event_id}")["replay"] is not None)
    url = get(kept, f"events/{kept.event_id}")["replay"]["playlist"]
    assert url == f"{kept.on.origin.http}/replay/{kept.recording['id']}/ladder.m3u8"
    viewer = Viewer(url)
    state = kept.on.origin.state()
    text = viewer.text(url) or ""
    assert [line for line in text.splitlines() if line.endswith(".m3u8")] == [
        f"ladder-{name}.m3u8" for name in state["renditions"]
    ]
    for name in state["renditions"]:
        media = m3u8.loads(viewer.text(urljoin(url, f"ladder-{name}.m3u8")) or "")
        assert (media.playlist_type, media.is_endlist) == ("vod", True)
        length = sum(segment.duration for segment in media.segments)
        assert kept.seconds - LADDER_LOST_SECONDS < length < kept.seconds + LOST_SECONDS
        argv = ["ffmpeg", "-nostdin", "-v", "error", "-i", urljoin(url, f"ladder-{name}.m3u8"), "-f", "null", "-"]
        assert subprocess.run(argv, capture_output=True, text=True, timeout=120).stderr == ""
    viewer.http.close()


@pytest.mark.parametrize("kept", ["swift"], indirect=True)
def test_the_host_keeps_to_the_rules_of_hosts_while_it_records(kept: Kept) -> None:
    container = kept.on.origin.host.container
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hosts=podman://{container}"]
    done = subprocess.run(
        [*argv, "tests/hosts/test_archiver.py", "tests/hosts/test_every_host.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("kept", ["swift"], indirect=True)
def test_the_store_s_secret_is_where_it_belongs_and_nowhere_else(kept: Kept) -> None:
    host, words = kept.on.origin.host, [kept.on.place.secret]
    assert found(host, words) == dict.fromkeys(LOOK, "0")
    assert files_with(host, words) == {
        "/etc/headend/credentials/archive-archive",
        "/run/credentials/headend-archive.service/archive",
    }
    assert kept.on.place.secret not in database_dump(host)


def test_it_goes_after_the_grace_comes_back_when_asked_and_is_deleted_for_good(
    kept: Kept, headend_ctl: Callable[..., Any]
) -> None:
    here, number, name = kept.on, kept.recording["id"], kept.video["name"]
    mine = [removal for removal in here.prune(dry_run=False)["removals"] if removal["recording"] == number]
    assert (mine, here.local_sha256(number, name)) == ([], kept.video["sha256"])

    # The spec wants no grace any more.
    here.deploy(grace_hours=0)
    headend_ctl("recordings", "hold", str(number), "--reason", "case 2026-114")
    mine = [removal for removal in here.prune(dry_run=False)["removals"] if removal["recording"] == number]
    assert (mine, here.local_sha256(number, name)) == ([], kept.video["sha256"])
    headend_ctl("recordings", "release", str(number))

    foreseen = [removal["name"] for removal in here.prune(dry_run=False)["removals"] if removal["recording"] == number]
    assert name in foreseen
    listed = {file["name"]: file["here"] for file in headend_ctl("recordings", "show", str(number))["files"]}
    assert {file for file, is_here in listed.items() if not is_here} >= set(foreseen)
    assert here.local_sha256(number, name) == ""

    headend_ctl("recordings", "restore", str(number))
    until(60, lambda: here.local_sha256(number, name) == kept.video["sha256"])

    headend_ctl("recordings", "delete", str(number), "--yes")
    until(10, lambda: get(kept, f"events/{kept.event_id}")["replay"] is None)
    here.prune(dry_run=False)
    assert here.local_sha256(number, name) == ""
    # The manifests too; the archiver itself may be at it in this moment.
    until(90, lambda: here.object_keys() == [])
    assert headend_ctl("recordings", "show", str(number))["state"] == "removed"


@pytest.fixture
def headend_ctl(kept: Kept) -> Iterator[Callable[..., Any]]:
    """What an admin types on the host; the answer's JSON."""
    host = kept.on.origin.host
    made = json.loads(host.run(["headend", "token", "add", "--role", "admin", "--json"]).stdout)
    host.run(["headend-ctl", "login"], stdin=made["token"] + "\n")

    def typed(*words: str) -> Any:
        return json.loads(host.run(["headend-ctl", *words, "--json"]).stdout)

    yield typed
    host.run(["headend", "token", "revoke", made["token_id"]])


def get(kept: Kept, path: str) -> dict[str, Any]:
    """What the API says to everybody."""
    answer = requests.get(f"{kept.on.origin.http}/api/v1/{path}", timeout=10, proxies={"http": ""})
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
