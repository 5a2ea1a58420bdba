"""Does systemd accept the units, without a word, and are they sandboxed as promised?"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from headend.layout import Layout
from headend.model.announcements import Announcements, Destination, Outbound
from headend.model.recordings import Archive, Recordings
from headend.model.spec import Site, Spec, Stream
from headend.render import render_role
from tests.headend.house import LAYOUT
from tests.support.rendered import layout_in

SPEC = Spec(
    site=Site(public_url="https://live.example.org"),
    streams=(Stream(slug="demo", title="Demo", record="always"),),
    announcements=Announcements(
        destinations=(Destination(name="chat", kind="discord", title="Chat", secret="chat"),),
        outbound=Outbound(allow=("10.0.0.0/8",)),
    ),
    recordings=Recordings(
        record=True, archive=Archive(bucket="live-recordings", access_key_id="AKIAIOSFODNN7EXAMPLE", secret="archive")
    ),
)
# The promise of the design: the exposure level of systemd-analyze security, from 0 (none) to 10.
PROMISED = {
    "nginx@ingest.service": 1.7,
    "nginx@srt.service": 1.7,
    "nginx@web.service": 1.7,
    "ffmpeg@demo.service": 1.5,
    "srt-remux@1.service": 1.5,
    "headend-hooks.service": 1.7,
    "headend-announce.service": 1.7,
    "headend-archive.service": 1.8,
    "headend-prune.service": 1.8,
    "hls-end@demo.service": 1.2,
    "headend-backup.service": 1.2,
    "headend-finish@12.service": 1.2,
}


PROGRAMS = (
    "opt/nginx/current/sbin/nginx",
    "opt/app/current/bin/headend-hooks",
    "opt/app/current/bin/headend-announce",
    "opt/app/current/bin/headend-archive",
    "opt/app/current/bin/headend-remux",
    "opt/app/current/bin/headend-backup",
    "opt/app/current/bin/headend-finish",
    "etc/encode",
    "etc/end-playlists",
)
# They have no sandbox of their own.
UNITS = (*PROMISED, "srt-remux.socket", "headend-backup.timer", "headend-prune.timer")
# With a database server the hook app needs more of a network.
WITH_SERVER = 1.7


def instances(unit: str) -> list[str]:
    """The units that a unit file makes: itself, or the instances of a template."""
    return [name for name in UNITS if name.startswith(unit.removesuffix(".service"))]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The rendered units in a folder, with programs at the places that they name."""
    return place_units(layout_in(tmp_path), tmp_path)


@pytest.fixture
def units_with_server(tmp_path: Path) -> Path:
    """The same where the database is a PostgreSQL server."""
    url = "postgresql+psycopg://headend@[2001:db8::7]/headend"
    return place_units(Layout.from_data({**layout_in(tmp_path).model_dump(), "database_url": url}), tmp_path)


def place_units(layout: Layout, tmp_path: Path) -> Path:
    for role in ("ingest", "control"):
        for artifact in render_role(SPEC, layout, role):
            if artifact.path.startswith("/etc/systemd/system/"):
                path = tmp_path / artifact.path.removeprefix("/etc/systemd/system/")
                path.parent.mkdir(exist_ok=True)
                # The template itself too: a socket that accepts looks for it.
                for name in {path.name, *(instances(path.name) if path.parent == tmp_path else ())}:
                    path.with_name(name).write_text(artifact.text)
    for program in PROGRAMS:
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).symlink_to("/bin/true")
    return tmp_path


OWNERS = {
    "media/hls/demo/720p": "headend-encoder",
    "recordings/buffer": "headend-ingest",
    "recordings/kept": "headend-archive",
    "run/ingest/publish": "headend-ingest",
    "run/srt": "headend-srt",
    "run/admit": "headend-hooks",
    "run/streams": "headend-hooks",
    "state/backup": "headend-hooks",
    "run/remux-faults": "headend-remux",
}


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line(unit: str, units: Path) -> None:
    # verify exits 0 on an unknown key, so what counts is that it says nothing.
    done = analyze("verify", "--man=no", str(units / unit))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit, exposure", PROMISED.items())
def test_the_sandbox_is_as_tight_as_promised(unit: str, exposure: float, units: Path) -> None:
    threshold = str(round(exposure * 10))
    done = analyze("security", "--offline=true", "--no-pager", f"--threshold={threshold}", str(units / unit))
    assert done.returncode == 0, done.stdout


def test_a_database_server_opens_the_sandbox_by_no_more_than_a_network(units_with_server: Path) -> None:
    test_systemd_understands_every_line("headend-hooks.service", units_with_server)
    test_the_sandbox_is_as_tight_as_promised("headend-hooks.service", WITH_SERVER, units_with_server)
    test_systemd_understands_every_line("headend-archive.service", units_with_server)


def test_systemd_takes_the_users_and_the_folders(tmp_path: Path) -> None:
    artifacts = {artifact.path: artifact.text for artifact in render_role(SPEC, layout_in(Path("/srv")), "ingest")}
    for path in ("/etc/sysusers.d/headend.conf", "/etc/tmpfiles.d/headend.conf"):
        (tmp_path / path[1:]).parent.mkdir(parents=True)
        (tmp_path / path[1:]).write_text(artifacts[path])
    users = subprocess.run(["systemd-sysusers", f"--root={tmp_path}"], capture_output=True, text=True, check=True)
    assert users.stderr.count("Creating user") == 9
    argv = ["systemd-tmpfiles", "--create", "--clean", f"--root={tmp_path}"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stderr == ""
    names = {int(line.split(":")[2]): line.split(":")[0] for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    owners = {path: names[(tmp_path / "srv" / path).stat().st_uid] for path in OWNERS}
    assert owners == OWNERS
    publish = (tmp_path / "srv/run/ingest/publish").stat()
    groups = (tmp_path / "etc/group").read_text()
    assert f"headend-remux:x:{publish.st_gid}:" in groups
    # What nginx leaves in the buffer belongs to the archiver's group, what is made in kept to the finisher's.
    for folder, group, mode in (("buffer", "archive", 0o2770), ("kept", "finish", 0o2750)):
        info = (tmp_path / "srv/recordings" / folder).stat()
        assert f"headend-{group}:x:{info.st_gid}:" in groups
        assert info.st_mode & 0o7777 == mode
    assert re.search(r"^headend-archive:x:\d+:headend-finish$", groups, re.M)
    assert re.search(r"^headend-finish:x:\d+:headend-archive$", groups, re.M)
    # Only a remuxer comes to the socket on which nginx@ingest believes who publishes.
    assert publish.st_mode & 0o777 == 0o750
    assert (tmp_path / "srv/run/ingest").stat().st_mode & 0o777 == 0o751


def test_old_segments_of_every_stream_are_swept_and_nothing_else(tmp_path: Path) -> None:
    text = next(one.text for one in render_role(SPEC, LAYOUT, "ingest") if one.path == "/etc/tmpfiles.d/headend.conf")
    # Who owns what is another test's question; here nobody of them need exist.
    (tmp_path / "etc/tmpfiles.d").mkdir(parents=True)
    (tmp_path / "etc/tmpfiles.d/headend.conf").write_text(re.sub(r"headend-\w+ headend-\w+", "- -", text))
    hls = tmp_path / LAYOUT.media_root[1:] / "hls"
    old, new = time.time() - 90000, time.time()
    ages = {
        "demo/720p/1-00001.ts": old,
        "demo/720p/1-00002.ts": new,
        "demo/poster.jpg": old,
        "made/720p/1-00001.ts": old,
        "made/720p/1-00002.ts": new,
        "made/master.m3u8": old,  # of a stream that has been on air for days
        "made/poster.jpg": old,
        "gone/480p/index.m3u8": old,
    }
    for name, age in ages.items():
        (hls / name).parent.mkdir(parents=True, exist_ok=True)
        (hls / name).touch()
        os.utime(hls / name, (age, age))
    argv = ["systemd-tmpfiles", "--create", "--clean", f"--root={tmp_path}"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stderr == ""
    assert {str(path.relative_to(hls)) for path in hls.rglob("*") if path.is_file()} == {
        "demo/720p/1-00002.ts",
        "demo/poster.jpg",
        "made/720p/1-00002.ts",
        "made/master.m3u8",
        "made/poster.jpg",
    }
