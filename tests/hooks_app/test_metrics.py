"""Is what Prometheus scrapes true, bounded, and what the alerts and the dashboard ask for?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from httpx2 import Response
from prometheus_client.parser import text_string_to_metric_families

from hooks_app.announcement_tables import AnnouncerRow, PlaceRow
from hooks_app.encoder_progress import FILE_BYTES, WINDOW_SECONDS, EncoderProgress, parse
from hooks_app.roles import Role
from hooks_app.stat_page import StatPageError
from tests.hooks_app.conftest import World
from tests.hooks_app.fakes import body, publish_pairs
from tests.hooks_app.recordings_shelf import Shelf
from tests.hooks_app.test_api_access import token

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "docs" / "monitoring"
STAT_MODULE = ROOT / "nginx_modules" / "srt" / "ngx_http_srt_stat_module.c"
BLOCK = b"frame=61\nfps=30.01\nstream_0_0_q=23.0\nbitrate=N/A\ntotal_size=N/A\nout_time_us=2000000\ndup_frames=1\n"
BLOCK += b"drop_frames=2\nspeed=   1x\nprogress=continue\n"


def samples(world: World) -> dict[str, float]:
    """Every sample by name and labels."""
    text = world.client.get("/metrics").text
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(world: World, name: str, **labels: str) -> float | None:
    """One sample."""
    return samples(world).get(f"{name}{json.dumps(labels, sort_keys=True)}")


class Encoder:
    """Writes a block a second, as FFmpeg does; its own fps and speed are averages over the whole run."""

    def __init__(self, world: World) -> None:
        folder = Path(world.facts.media_root) / "hls" / "demo"
        folder.mkdir(parents=True)
        self.file, self._world = folder / "progress", world
        self._frames, self._out_seconds, self._blocks = 61.0, 2.0, 0
        self.file.write_bytes(BLOCK)

    def run(self, seconds: int, speed: float = 1.0, look: bool = True) -> None:
        """So many seconds of it; the app looks once each."""
        for _ in range(seconds):
            self._world.clock.sleep(1)
            self._frames, self._out_seconds = self._frames + 30 * speed, self._out_seconds + speed
            self._blocks += 1
            frames, out_us = b"frame=%d\n" % self._frames, b"out_time_us=%d\n" % (self._out_seconds * 1e6)
            self.file.write_bytes(BLOCK.replace(b"frame=61\n", frames).replace(b"out_time_us=2000000\n", out_us))
            # Two blocks of one moment would be one.
            about = self.file.stat()
            os.utime(self.file, ns=(about.st_atime_ns, about.st_mtime_ns + self._blocks))
            if look:
                self._world.app.state.stage.progress.look(["demo"])

    def restart(self) -> None:
        """Another run: it counts from the beginning."""
        self._frames = self._out_seconds = 0.0


@pytest.fixture
def encoder(world: World) -> Encoder:
    """The encoder of the stream, which has just begun."""
    return Encoder(world)


@pytest.fixture
def progress(encoder: Encoder) -> Path:
    """The file of the stream's encoder, which has said enough."""
    encoder.run(10)
    return encoder.file


def test_states_and_sessions_are_as_they_are(world: World) -> None:
    assert value(world, "headend_streams", state="offline") == 2
    world.go_live()
    assert value(world, "headend_stream_state", stream="demo", state="live") == 1
    assert value(world, "headend_stream_state", stream="demo", state="offline") == 0
    assert value(world, "headend_sessions_total", protocol="rtmp") == 1
    world.clock.sleep(60)
    assert value(world, "headend_session_seconds", stream="demo") == 60
    assert value(world, "headend_segment_age_seconds", stream="demo", rendition="720p") == 1.5
    world.leave()
    assert value(world, "headend_session_seconds", stream="demo") is None


def test_hooks_are_timed_by_their_outcome_and_refusals_counted_by_their_reason(world: World) -> None:
    world.go_live()
    world.publish(client=8, key="wrong")
    world.publish(client=8)
    world.ingest.fault = StatPageError("silent")
    world.publish(client=9)
    outcomes = {word: value(world, "headend_hook_seconds_count", hook="on_publish", outcome=word) for word in (
        "done", "refused", "unavailable", "failed")}  # fmt: skip
    assert outcomes == {"done": 1, "refused": 2, "unavailable": 1, "failed": None}
    assert value(world, "headend_publish_refused_total", reason="wrong key") == 1
    assert value(world, "headend_publish_refused_total", reason="stream has a publisher") == 1


def test_nothing_that_a_stranger_sends_becomes_a_label(world: World) -> None:
    for number in range(200):
        pairs = publish_pairs(f"canary{number}", number, addr=f"198.51.100.{number % 250}")
        world.post("on_publish", body(pairs, f"key=canary{number}"))
    text = world.client.get("/metrics").text
    assert "canary" not in text
    assert text.count("\n") < 200


def test_without_a_database_the_rest_is_still_told(world: World) -> None:
    world.database.migrate("base")
    assert value(world, "headend_database_up") == 0
    assert value(world, "headend_disk_free_bytes", place="media") is None
    assert "headend_reconcile_age_seconds{}" in samples(world)


@pytest.mark.parametrize(
    "content, stale",
    [
        ('{"build_id": "5ca1ab1e", "stale": true}', 1),
        ('{"build_id": "5ca1ab1e", "stale": false}', 0),
        ("[]", None),
        ("", None),
    ],
)
def test_a_stale_build_is_told(world: World, tmp_path: Path, content: str, stale: float | None) -> None:
    world.facts = world.facts.model_copy(update={"build_file": str(tmp_path / "BUILD.json")})
    world.start()
    assert value(world, "headend_build_stale", build_id="5ca1ab1e") is None
    (tmp_path / "BUILD.json").write_text(content)
    assert value(world, "headend_build_stale", build_id="5ca1ab1e") == stale


def test_every_write_is_timed(world: World) -> None:
    before = value(world, "headend_database_write_seconds_count") or 0
    with pytest.raises(ZeroDivisionError), world.database.write():
        _ = 1 / 0
    assert value(world, "headend_database_write_seconds_count") == before + 1


def asked(world: World, stream: str = "demo") -> Response:
    """What the API tells of an encoder."""
    headers = {"Authorization": f"Bearer {token(world, Role.VIEWER)}"}
    answer: Response = world.client.get(f"/api/v1/streams/{stream}/encoder", headers=headers)
    return answer


def test_an_encoder_s_progress_is_told_and_given_to_who_may(world: World, progress: Path) -> None:
    assert value(world, "headend_encoder_speed", stream="demo") == pytest.approx(1, abs=0.02)
    assert value(world, "headend_encoder_dropped_frames", stream="demo") == 2
    said = asked(world).json()
    assert (said["fps"], said["speed"]) == (pytest.approx(30, abs=1), pytest.approx(1, abs=0.02))
    assert (said["duplicated_frames"], said["publisher_kbps"]) == (1, None)
    assert asked(world, "coffee-and-stocks").status_code == 404


def test_what_a_publisher_sends_is_told_while_it_is_there(world: World, progress: Path) -> None:
    assert value(world, "headend_publisher_bytes_per_second", stream="demo") is None
    world.go_live()
    world.ingest.streams["demo"] = replace(world.ingest.streams["demo"], bits_in_per_second=2_512_000)
    world.rounds(1)
    assert value(world, "headend_publisher_bytes_per_second", stream="demo") == 314_000
    os.utime(progress)
    assert asked(world).json()["publisher_kbps"] == 2512
    world.clock.sleep(10)
    assert value(world, "headend_publisher_bytes_per_second", stream="demo") is None
    world.ingest.unpublish("demo")
    world.rounds(1)
    assert value(world, "headend_publisher_bytes_per_second", stream="demo") is None


def test_an_encoder_that_falls_behind_after_a_while_is_seen_within_its_window(world: World, encoder: Encoder) -> None:
    encoder.run(900, look=False)
    encoder.run(60)
    assert value(world, "headend_encoder_speed", stream="demo") == pytest.approx(1, abs=0.02)
    encoder.run(int(WINDOW_SECONDS) + 2, speed=0.8)
    assert value(world, "headend_encoder_speed", stream="demo") == pytest.approx(0.8, abs=0.02)
    assert value(world, "headend_encoder_fps", stream="demo") == pytest.approx(24, abs=1)
    # One that only says that it does nothing is not at its old speed.
    encoder.run(int(WINDOW_SECONDS) + 2, speed=0)
    assert value(world, "headend_encoder_speed", stream="demo") == 0


def test_a_run_that_has_just_begun_has_no_speed_yet_and_not_that_of_the_run_before(
    world: World, encoder: Encoder
) -> None:
    encoder.run(60, speed=0.5)
    encoder.restart()
    encoder.run(3)
    assert value(world, "headend_encoder_speed", stream="demo") is None
    assert (asked(world).json()["speed"], asked(world).json()["dropped_frames"]) == (None, 2)
    encoder.run(6)
    assert value(world, "headend_encoder_speed", stream="demo") == pytest.approx(1, abs=0.02)


def test_a_file_that_is_read_again_and_again_is_one_sample(world: World, encoder: Encoder) -> None:
    encoder.run(10)
    for _ in range(20):
        assert asked(world).json()["speed"] == pytest.approx(1, abs=0.02)


def test_of_a_stream_that_is_gone_nothing_is_remembered(world: World, encoder: Encoder) -> None:
    encoder.run(10)
    world.app.state.stage.progress.look([])
    assert asked(world).json()["speed"] is None


def test_an_encoder_that_has_said_nothing_for_a_while_says_nothing(world: World, progress: Path) -> None:
    os.utime(progress, (time.time() - 6,) * 2)
    assert value(world, "headend_encoder_speed", stream="demo") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        BLOCK[:-5],
        BLOCK.replace(b"frame=61\n", b""),
        BLOCK.replace(b"out_time_us=2000000", b"out_time_us=N/A"),
        BLOCK.replace(b"out_time_us=2000000", b"out_time_us=nan"),
        BLOCK.replace(b"out_time_us=2000000", b"out_time_us=-1"),
        BLOCK.replace(b"frame=61", b"frame=1e400"),
        b"\xff" * FILE_BYTES,
        b"progress=end\n",
    ],
)
def test_a_block_that_is_none_says_nothing(content: bytes) -> None:
    assert parse(content) is None


def test_only_a_plain_file_is_read(world: World, progress: Path, tmp_path: Path) -> None:
    reader = EncoderProgress(world.facts.media_root)
    progress.unlink()
    (tmp_path / "other").write_bytes(BLOCK)
    progress.symlink_to(tmp_path / "other")
    assert reader.of("demo") is None
    progress.unlink()
    os.mkfifo(progress)
    assert reader.of("demo") is None


def test_promtool_accepts_what_is_exported(world: World, progress: Path) -> None:
    world.go_live()
    world.publish(client=8, key="wrong")
    world.rounds(1)
    text = world.client.get("/metrics").content
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]])
def test_promtool_accepts_the_rules_and_they_fire_when_they_should(arguments: list[str]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_recordings_are_counted_by_state_and_by_where_they_are(world: World) -> None:
    shelf = Shelf(world)
    shelf.put()
    assert value(world, "headend_recordings", state="archived") is None, "no archiver has ever run"
    waiting = shelf.put(state="finished")
    shelf.change(waiting, ended_at=datetime.now(UTC) - timedelta(hours=2))
    shelf.change_file(waiting, "video", state="stored")
    now = datetime.now(UTC)
    shelf.archiver(turned_at=now - timedelta(seconds=30), pruned_at=now - timedelta(hours=1), store_fault="down")
    said = samples(world)
    assert said['headend_recordings{"state": "archived"}'] == said['headend_recordings{"state": "finished"}'] == 1
    places = {
        place: said[f'headend_recordings_bytes{{"place": "{place}"}}'] for place in ("local", "waiting", "verified")
    }
    assert places == {"local": 20_000, "waiting": 9000, "verified": 9000}
    assert said["headend_recordings_unverified_files{}"] == 1
    assert said["headend_recordings_oldest_unarchived_seconds{}"] == pytest.approx(7200, abs=60)
    host = '{"host": "origin-1"}'
    assert said[f"headend_archiver_age_seconds{host}"] == pytest.approx(30, abs=25)
    assert said[f"headend_prune_age_seconds{host}"] == pytest.approx(3600, abs=60)
    assert (said[f"headend_store_fault{host}"], said[f"headend_recording_stopped{host}"]) == (1, 0)
    assert said[f"headend_recordings_disk_free_bytes{host}"] / said[f"headend_recordings_disk_size_bytes{host}"] == 0.1
    assert said[f"headend_upload_sent_bytes_total{host}"] == 7


def test_nothing_waits_where_everything_is_archived(world: World) -> None:
    Shelf(world).put()
    Shelf(world).archiver(pruned_at=None)
    assert value(world, "headend_recordings_oldest_unarchived_seconds") == 0
    assert value(world, "headend_prune_age_seconds", host="origin-1") is None


def exported(world: World) -> set[str]:
    """The names of all metrics, ours and the SRT module's."""
    text = world.client.get("/metrics").text
    ours = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    ours |= {f"{name}_{part}" for name in ours for part in ("bucket", "count", "sum", "total")}
    srt = set(re.findall(r'\{ "(\w+)", "(?:gauge|counter)"', STAT_MODULE.read_text()))
    return ours | {f"headend_srt_session_{name}" for name in srt}


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_every_metric_that_is_asked_for_exists(
    world: World, engine: str, progress: Path, tmp_path: Path, file: str
) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "state-20260301T120000Z.sqlite3").touch()
    (tmp_path / "BUILD.json").write_text('{"build_id": "5ca1ab1e", "stale": false}')
    places = {"backup_dir": str(tmp_path / "backup"), "build_file": str(tmp_path / "BUILD.json")}
    world.facts = world.facts.model_copy(update=places)
    world.start()
    with world.database.write() as db:
        db.add(AnnouncerRow(id=1, on=True))
        db.add(PlaceRow(name="chat"))
    Shelf(world).archiver()
    names = set(re.findall(r"\bheadend_\w+", (MONITORING / file).read_text()))
    # Of a server there is no file.
    of_files = {"headend_database_bytes"} if engine == "postgresql" else set()
    assert names - of_files - exported(world) == set()


def test_every_panel_asks_what_prometheus_understands(tmp_path: Path) -> None:
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    rules = [{"record": f"panel:{panel['id']}", "expr": panel["targets"][0]["expr"]} for panel in panels]
    (tmp_path / "panels.yaml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", str(tmp_path / "panels.yaml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len({panel["id"] for panel in panels}) == len(panels)
