"""Are the segments of a stream that is recorded kept: each once, in their order, whatever is killed meanwhile?"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from hooks_app.archive.folders import Folder
from hooks_app.archive.ladder import Ladder, clear, segments
from tests.support.shelf import Shelf

MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n720p/index.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\n360p/index.m3u8\n"
WINDOW = 4


@dataclass
class Encoder:
    """Writes segments and a playlist with a window, as FFmpeg does."""

    shelf: Shelf
    folder: Path
    made: list[tuple[str, str]] = field(default_factory=list)
    """Name and the lines of the playlist."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)

    def segment(self, *, discontinuity: bool = False) -> bytes:
        """Another two seconds; the oldest goes."""
        name = f"{len(self.made):05}.ts"
        data = f"{self.folder.name}/{name};".encode() * 1000
        (self.folder / name).write_bytes(data)
        lines = "#EXT-X-DISCONTINUITY\n" if discontinuity else ""
        date = self.shelf.now.isoformat("T", "milliseconds")
        self.made.append((name, f"{lines}#EXTINF:2.000000,\n#EXT-X-PROGRAM-DATE-TIME:{date}\n{name}\n"))
        for old, _ in self.made[: -WINDOW - 1]:
            (self.folder / old).unlink(missing_ok=True)
        self.list()
        return data

    def list(self) -> None:
        """The playlist, by rename."""
        text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + "".join(lines for _, lines in self.made[-WINDOW:])
        (self.folder / "new").write_text(text)
        (self.folder / "new").rename(self.folder / "index.m3u8")


@dataclass
class Stage:
    """A host that records demo and keeps its ladder."""

    shelf: Shelf
    root: Path
    encoders: dict[str, Encoder]
    recording: int = 0
    reserve_bytes: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Another process."""
        self.ladder = Ladder(
            self.shelf.catalogue,
            self.shelf.kept,
            media_root=str(self.root / "media"),
            ladders_dir=self.root / "ladders",
            reserve_bytes=self.reserve_bytes,
        )

    def encode(self, **more: bool) -> dict[str, bytes]:
        """Two seconds."""
        self.shelf.clock.sleep(2)
        return {name: encoder.segment(**more) for name, encoder in self.encoders.items()}

    def begin(self) -> None:
        """A session is recorded from here on."""
        session = self.shelf.session()
        self.recording = self.shelf.catalogue.begin("demo", session, self.shelf.now)

    @property
    def kept(self) -> Path:
        return self.shelf.root / "kept" / str(self.recording)

    def media(self, rendition: str) -> bytes:
        return (self.kept / f"ladder-{rendition}.ts").read_bytes()

    def lines(self, rendition: str) -> list[str]:
        return (self.kept / f"ladder-{rendition}.txt").read_text().splitlines()


@pytest.fixture
def stage(shelf: Shelf, tmp_path: Path) -> Stage:
    (tmp_path / "ladders" / "default").mkdir(parents=True)
    (tmp_path / "ladders" / "default" / "master.m3u8").write_text(MASTER)
    hls = tmp_path / "media" / "hls" / "demo"
    return Stage(shelf, tmp_path, {name: Encoder(shelf, hls / name) for name in ("720p", "360p")})


def test_every_segment_of_the_recording_is_kept_once_and_in_order(stage: Stage) -> None:
    for _ in range(3):
        stage.encode()
    stage.shelf.clock.sleep(10)
    stage.begin()
    sent: dict[str, bytes] = {"720p": b"", "360p": b""}
    for number in range(12):
        for name, data in stage.encode(discontinuity=number in (0, 5)).items():
            sent[name] += data
        if number % 2:
            stage.ladder.turn()
    stage.ladder.turn()
    for name, data in sent.items():
        assert stage.media(name) == data
        said = [line.split() for line in stage.lines(name)]
        assert [one[5] for one in said] == [f"{number:05}.ts" for number in range(3, 15)]
        assert [one[4] for one in said] == ["D" if number in (0, 5) else "-" for number in range(12)]
        for offset, count, seconds, _, _, segment in said:
            assert data[int(offset) : int(offset) + int(count)] == f"{name}/{segment};".encode() * 1000
            assert seconds == "2.000000"
    assert (stage.kept / "ladder.master").read_text() == MASTER


@pytest.mark.parametrize("torn", ["media", "line", "nothing"])
def test_another_process_goes_on_behind_the_last_whole_line(stage: Stage, torn: str) -> None:
    stage.begin()
    sent = [stage.encode()["720p"] for _ in range(3)]
    stage.ladder.turn()
    if torn == "media":
        with (stage.kept / "ladder-720p.ts").open("ab") as media:
            media.write(b"half a segment")
    if torn == "line":
        with (stage.kept / "ladder-720p.txt").open("a") as index:
            index.write("60000 20000 2.0")
    stage.restart()
    sent.append(stage.encode()["720p"])
    stage.ladder.turn()
    assert stage.media("720p") == b"".join(sent)
    assert len(stage.lines("720p")) == 4


def test_what_was_swept_before_anybody_looked_is_not_there_and_the_rest_is(stage: Stage) -> None:
    stage.begin()
    sent = [stage.encode()["720p"] for _ in range(WINDOW + 3)]
    stage.ladder.turn()
    assert stage.media("720p") == b"".join(sent[-WINDOW:])


def test_nothing_is_kept_where_nothing_is_recorded_or_the_disk_is_full(stage: Stage) -> None:
    stage.encode()
    stage.ladder.turn()
    assert os.listdir(stage.shelf.root / "kept") == []
    stage.begin()
    stage.reserve_bytes = 2**62
    stage.restart()
    stage.encode()
    stage.ladder.turn()
    assert os.listdir(stage.shelf.root / "kept") == []


def link(segment: Path, victim: Path) -> None:
    segment.symlink_to(victim)


def name(segment: Path, victim: Path) -> None:
    segment.hardlink_to(victim)


def fifo(segment: Path, _victim: Path) -> None:
    os.mkfifo(segment)


@pytest.mark.parametrize("trick", [link, name, fifo])
def test_what_is_no_lone_file_is_not_read(
    stage: Stage, tmp_path: Path, trick: Callable[[Path, Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("secret")
    stage.begin()
    stage.encode()
    segment = stage.encoders["720p"].folder / "00000.ts"
    segment.unlink()
    trick(segment, victim)
    for _ in range(3):
        stage.ladder.turn()
    assert not (stage.kept / "ladder-720p.txt").exists()
    assert b"secret" not in stage.media("720p")


def test_a_link_in_the_place_of_a_folder_leads_nowhere(stage: Stage, tmp_path: Path) -> None:
    stage.begin()
    stage.encode()
    real = tmp_path / "elsewhere"
    stage.encoders["720p"].folder.rename(real)
    stage.encoders["720p"].folder.symlink_to(real)
    stage.ladder.turn()
    assert not (stage.kept / "ladder-720p.ts").exists()


def test_what_the_kept_folder_has_under_our_names_is_not_written_through(stage: Stage, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    stage.begin()
    stage.encode()
    stage.kept.mkdir()
    (stage.kept / "ladder-720p.ts").symlink_to(victim)
    stage.ladder.turn()
    assert victim.read_text() == "precious"


def test_a_strange_playlist_lists_nothing_strange() -> None:
    date = "#EXT-X-PROGRAM-DATE-TIME:2026-11-28T06:31:00.000+0000"
    text = f"#EXTINF:2.0,\n{date}\n../../etc/passwd\n#EXTINF:x,\n{date}\na.ts\n#EXTINF:2.0,\nb.ts\n"
    text += "#EXTINF:2.0,\n#EXT-X-PROGRAM-DATE-TIME:2026-13-99T99:99:99\nc.ts\n"
    assert list(segments(text)) == []
    (one,) = segments(f"#EXT-X-DISCONTINUITY\n#EXTINF:2.0,title\n{date}\nd.ts\n")
    assert (one.name, one.seconds, one.discontinuity) == ("d.ts", "2.0", True)


def test_a_recording_that_is_forgotten_leaves_nothing(stage: Stage) -> None:
    session = stage.shelf.session()
    stage.recording = stage.shelf.catalogue.begin("demo", session, stage.shelf.now)
    stage.encode()
    stage.ladder.turn()
    assert stage.kept.exists()
    stage.shelf.end(session)
    stage.shelf.collect(seconds=timedelta(minutes=5).total_seconds())
    assert not stage.kept.exists()


def test_clearing_touches_nothing_else(tmp_path: Path) -> None:
    ours = ["ladder.master", "ladder-720p.ts", "ladder-720p.txt", "ladder.m3u8", "ladder-720p.m3u8"]
    others = ["demo-1-1-1.flv", "demo.mp4", "ladder", "ladder-720p.mp4", "stepladder-720p.ts"]
    for one in ours + others:
        (tmp_path / one).write_text("")
    with Folder.at(str(tmp_path)) as folder:
        clear(folder, frozenset({"ladder-720p.ts"}))
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "ladder-720p.ts"])
