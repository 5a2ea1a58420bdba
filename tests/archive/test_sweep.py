"""Are live segments that no playlist lists swept, by the real systemd-tmpfiles, and foreseen?"""

from __future__ import annotations

import os
import re
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from headend.model.ladder import Ladder
from headend.model.spec import Site, Spec, Stream
from headend.render import render_role
from hooks_app.archive.sweep import Sweep, to_sweep
from tests.headend.house import LAYOUT

SPEC = Spec(site=Site(public_url="https://live.example.org"), streams=(Stream(slug="demo", title="Demo"),))
SWEEP_SECONDS = SPEC.retention.ended_window_hours * 3600 + Ladder().window_seconds
HOUR = 3600


def playlist(*segments: str, end: bool = False) -> str:
    """A media playlist."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:2"]
    for segment in segments:
        lines += ["#EXTINF:2.0,", segment]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if end else [])]) + "\n"


def write(folder: Path, name: str, hours_ago: float, text: str = "segment") -> None:
    """A file that was written so long ago."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    at = time.time() - hours_ago * HOUR
    os.utime(folder / name, (at, at))


def site(hls: Path) -> None:
    """What a host has after some days: live streams, ended ones, crashes."""
    live = hls / "demo" / "720p"
    write(live, "index.m3u8", 0, playlist("3-00001.ts", "3-00002.ts"))
    write(live, "3-00001.ts", 0.001)
    write(live, "3-00002.ts", 0)
    write(live, "1-00007.ts", 25)  # an encoder crashed, the day before yesterday
    write(live, "2-00009.ts", 10)  # and one a while ago
    write(live, "1-00008.ts.tmp", 25)
    ended = hls / "ended" / "720p"
    write(ended, "index.m3u8", 23, playlist("1-00001.ts", end=True))
    write(ended, "1-00001.ts", 23)
    over = hls / "over" / "480p"
    write(over, "index.m3u8", 25, playlist("1-00001.ts", end=True))
    write(over, "1-00001.ts", 25.5)
    write(over, "0-00005.ts", 40)
    write(hls / "demo", "poster.jpg", 100)


def test_the_host_s_own_sweep_takes_what_no_playlist_lists_and_what_was_foreseen(tmp_path: Path) -> None:
    text = next(one.text for one in render_role(SPEC, LAYOUT, "ingest") if one.path == "/etc/tmpfiles.d/headend.conf")
    assert f"m:{SWEEP_SECONDS}s" in text
    (tmp_path / "etc/tmpfiles.d").mkdir(parents=True)
    # Nobody of the owners need exist here.
    (tmp_path / "etc/tmpfiles.d/headend.conf").write_text(re.sub(r"headend-\w+ headend-\w+", "- -", text))
    media_root = tmp_path / LAYOUT.media_root[1:]
    site(media_root / "hls")
    before = {str(path.relative_to(media_root / "hls")) for path in media_root.rglob("*") if path.is_file()}
    foreseen = to_sweep(str(media_root), SWEEP_SECONDS, datetime.now(UTC))
    argv = ["systemd-tmpfiles", "--clean", f"--root={tmp_path}"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stderr == ""
    after = {str(path.relative_to(media_root / "hls")) for path in media_root.rglob("*") if path.is_file()}
    assert before - after == {
        "demo/720p/1-00007.ts",
        "demo/720p/1-00008.ts.tmp",
        "over/480p/index.m3u8",
        "over/480p/1-00001.ts",
        "over/480p/0-00005.ts",
    }
    # What a playlist still lists goes with it: that is not counted.
    assert foreseen == Sweep(files=3, bytes=21)
    assert to_sweep(str(media_root), SWEEP_SECONDS, datetime.now(UTC)) == Sweep(0, 0)


def test_links_and_strange_names_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    write(tmp_path / "outside", "1-00001.ts", 100)
    folder = tmp_path / "media/hls/demo/720p"
    folder.mkdir(parents=True)
    (folder / "1-00001.ts").symlink_to(tmp_path / "outside/1-00001.ts")
    (folder / "index.m3u8").symlink_to("/dev/zero")
    (tmp_path / "media/hls/demo/480p").symlink_to(tmp_path / "outside")
    (tmp_path / "media/hls/other").symlink_to(tmp_path)
    write(folder, "a b.ts", 100)
    write(folder, "1-00002.ts", 100)
    assert to_sweep(str(tmp_path / "media"), SWEEP_SECONDS, datetime.now(UTC)) == Sweep(files=1, bytes=7)
    assert to_sweep(str(tmp_path / "none"), SWEEP_SECONDS, datetime.now(UTC)) == Sweep(0, 0)
