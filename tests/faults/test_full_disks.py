"""Full disks on a deployed host: of the recordings, of the segments, of the database. Each is well again by itself.

Each is a file system of 64 MiB of this test's own, which it fills and empties; no unit is started anew meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from testbed.host import Host
from testbed.object_store import gateway_of
from testbed.origin import OFF_AIR, Key, Origin
from testbed.swift import Swift
from testbed.viewer import Viewer
from tests.support.encoders import Publish
from tests.support.hosts import Deployed
from tests.support.processes import main_pid, until
from tests.support.recorded import Recorded, recorded
from tests.support.recording_ingest import decode

MIB = 1024 * 1024
DISK_MIB = 64
RESERVE_MIB = 16
"""As tests/support/recorded.py has it."""
WELL_SECONDS = 30.0
RECORDINGS, MEDIA, DATABASE = "/srv/headend/recordings", "/srv/headend/media", "/var/lib/headend/hooks"
UNITS = (
    "nginx@ingest.service",
    "nginx@srt.service",
    "nginx@web.service",
    "headend-hooks.service",
    "headend-announce.service",
    "headend-archive.service",
)


@pytest.fixture(scope="module")
def here(deployment: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """The host, recorded."""
    folder = tmp_path_factory.mktemp("full")
    with (
        Swift(gateway_of(deployment.origin.host)) as store,
        recorded(deployment.origin, store.place, folder) as made,
    ):
        yield made


@dataclass(frozen=True, slots=True)
class Disk:
    """A small file system on the host."""

    host: Host
    folder: str

    @property
    def filler(self) -> str:
        """The file that takes the room; the folder above belongs to the services."""
        return f"/mnt/small{self.folder}/filler"

    def free_mib(self) -> float:
        """What is left."""
        return float(self.host.run(["stat", "--file-system", "--format=%a", self.folder]).stdout) * 4096 / MIB

    def fill(self, leave_mib: int = 0) -> None:
        """Take the room, but for so much."""
        leave = f"$(( $(stat --file-system --format='%a * 4096' {self.folder}) - {leave_mib * MIB} ))"
        # To the last page: a few may be taken while it is written.
        last = f"; cat /dev/zero >>{self.filler} 2>/dev/null; true" if leave_mib == 0 else ""
        self.host.shell(f"fallocate -l {leave} {self.filler} 2>/dev/null{last}")

    def empty(self) -> None:
        """Give it back."""
        self.host.shell(f": >{self.filler}; rm {self.filler}")


@contextmanager
def small_disk(host: Host, folder: str, without: str = "") -> Iterator[Disk]:
    """Mounted on a folder of the host with what was in it; in the end the folder has what the disk had.

    `without`: names of files that stay where they are. Units see what is mounted when they start, so that they are
    started anew here, and never while the disk is full.
    """
    disk = Disk(host, folder)
    units, small = " ".join(UNITS), f"/mnt/small{folder}"
    kind = f"size={DISK_MIB}m,mode=$(stat --format=%a {folder})"
    owned = f"chown --reference={folder} {small}; chmod --reference={folder} {small}"
    host.shell(
        f"set -e; systemctl stop {units}; mkdir -p {small}; mount -t tmpfs -o {kind} headend-test {small};"
        f" tar -C {folder} --exclude='{without}' -c . | tar -C {small} -xp; {owned};"
        f" mount --bind {small} {folder}; systemctl start {units}"
    )
    try:
        yield disk
    finally:
        host.shell(
            f"set -e; rm -f {disk.filler}; systemctl stop {units} 'ffmpeg@*' 'headend-finish@*' 'hls-end@*';"
            f" umount {folder}; find {folder} -mindepth 1 ! -type d ! -name '{without}' -delete;"
            f" cp -a {small}/. {folder}/; umount {small}; systemctl start {units}"
        )


def pids(host: Host) -> list[int]:
    """Of every service; who was started anew has another."""
    return [main_pid(host, unit) for unit in UNITS]


def segments(viewer: Viewer) -> set[str]:
    """What all playlists list now."""
    return {segment for listed in viewer.listed().values() for segment in listed}


@pytest.fixture
def viewer(deployment: Deployed) -> Iterator[Viewer]:
    origin = deployment.origin
    made = Viewer(f"{origin.http}/streams/{origin.slug}/index.m3u8")
    yield made
    made.http.close()


def recorded_bytes(host: Host) -> int:
    """In the buffer."""
    said = host.shell(f"find {RECORDINGS}/buffer -type f -printf '%s\\n'").split()
    return sum(map(int, said))


def test_recording_stops_first_live_goes_on_an_alarm_fires_and_room_is_enough(
    here: Recorded, key: Key, publish: Publish, viewer: Viewer, tmp_path: Path
) -> None:
    origin, host, before = here.origin, here.origin.host, here.newest()
    with small_disk(host, RECORDINGS) as disk:
        running = pids(host)
        publisher = publish(key.secret)
        session = origin.wait_state("live")["session"]["id"]
        until(15, lambda: recorded_bytes(host) > MIB)
        disk.fill(leave_mib=RESERVE_MIB + 3)
        until(WELL_SECONDS, lambda: stopped(host))
        disk.fill()
        written = recorded_bytes(host)
        # Live is told nothing of it: not a state changed, and every playlist grows as it did.
        for _ in range(3):
            listed = segments(viewer)
            until(5, lambda seen=listed: len(segments(viewer) - seen) >= 3)
            assert origin.state()["state"] == "live"
        assert recorded_bytes(host) == written
        disk.empty()
        room = time.monotonic()
        until(WELL_SECONDS, lambda: recorded_bytes(host) > written + MIB)
        recording_again = time.monotonic() - room
        until(WELL_SECONDS, lambda: not stopped(host))
        print(f"recording again {recording_again:.1f} s after there was room")
        assert origin.wait_state("live")["session"]["id"] == session
        assert (pids(host), publisher.process.poll()) == (running, None)
        publisher.stop()
        origin.wait_state("ended", "archived")
        found = here.wait_archived(before["id"] if before else 0)
        (video,) = (file for file in found["files"] if file["kind"] == "video")
        copy = tmp_path / "copy.mp4"
        assert here.object(video["object_key"], copy) == video["sha256"]
        assert decode(copy) == ""


def stopped(host: Host) -> bool:
    """What the alert HeadendRecordingStopped looks at."""
    lines = host.shell("curl -fsS http://127.0.0.1:8090/metrics | grep '^headend_recording_stopped{'").split()
    return float(lines[-1]) == 1


def test_without_room_for_segments_nobody_is_called_live_and_room_is_enough(
    here: Recorded, key: Key, publish: Publish, viewer: Viewer
) -> None:
    origin, host = here.origin, here.origin.host
    with small_disk(host, MEDIA, without="*.ts") as disk:
        running = pids(host)
        publisher = publish(key.secret, reconnect=1.0)
        origin.wait_state("live")
        disk.fill()
        origin.wait_state("interrupted", "starting", "ended", seconds=WELL_SECONDS)
        # Whoever watches has what was there, and the site's own words for what is not.
        assert viewer.text(viewer.master_url)
        answers = [requests.get(url, timeout=5, proxies={"http": ""}).status_code for url in segments(viewer)]
        assert set(answers) <= {200, 404}
        until_live_again(origin, disk, viewer)
        assert pids(host) == running
        publisher.stop()
        origin.wait_off_air(seconds=20)

        # And whoever comes to a disk that is full already.
        disk.fill()
        publisher = publish(key.secret, reconnect=1.0)
        for _ in range(15):
            assert origin.state()["state"] != "live"
            time.sleep(1)
        until_live_again(origin, disk, viewer)
        assert pids(host) == running
        publisher.stop()
        origin.wait_off_air(seconds=20)


def until_live_again(origin: Origin, disk: Disk, viewer: Viewer) -> None:
    """There is room: it is live again, and every rendition plays."""
    seen = viewer.listed()
    disk.empty()
    room = time.monotonic()
    viewer.wait_playable(seen, WELL_SECONDS)
    origin.wait_state("live", seconds=room + WELL_SECONDS - time.monotonic())
    print(f"live again {time.monotonic() - room:.1f} s after there was room")


def test_without_room_for_the_database_nobody_is_let_in_or_dropped_and_room_is_enough(
    here: Recorded, key: Key, publish: Publish, viewer: Viewer
) -> None:
    origin, host = here.origin, here.origin.host
    with small_disk(host, DATABASE) as disk:
        running = pids(host)
        publisher = publish(key.secret)
        origin.wait_state("live")
        disk.fill()
        # Longer than systemd's patience with a service that does not say that it lives.
        end = time.monotonic() + 45
        while time.monotonic() < end:
            listed = segments(viewer)
            until(5, lambda seen=listed: len(segments(viewer) - seen) >= 3)
            assert state(origin) in ("live", "unknown")
        assert (pids(host), publisher.process.poll()) == (running, None)

        publisher.stop()
        until(15, lambda: state(origin) != "live")
        for _ in range(5):
            stranger = publish(key.secret)
            assert "refused to publish" in stranger.wait("failed")["reason"]
            assert not stranger.on_air()
        lines = int(host.shell("journalctl --unit=headend-hooks --since=-1min --no-pager | wc -l"))
        assert lines < 60
        assert pids(host) == running

        disk.empty()
        room = time.monotonic()
        publisher = publish(key.secret, reconnect=1.0)
        until(WELL_SECONDS, lambda: state(origin) == "live")
        print(f"let in {time.monotonic() - room:.1f} s after there was room")
        assert pids(host) == running
        publisher.stop()
        until(20, lambda: state(origin) in OFF_AIR)


def state(origin: Origin) -> str:
    """What the API says; "unknown" is that it does not know."""
    answer = requests.get(f"{origin.http}/api/v1/streams/{origin.slug}", timeout=5, proxies={"http": ""})
    if answer.status_code == requests.codes.service_unavailable:
        return "unknown"
    answer.raise_for_status()
    return str(answer.json()["state"])
