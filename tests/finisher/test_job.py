"""Is nothing but a recording's own parts read, whatever stands in the job and in the folder?"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from finisher import job
from finisher.fault import FaultError
from finisher.job import PartName
from tests.finisher.conftest import Sent
from tests.finisher.test_vod import DATE
from tests.support.finishing import START, STEM, film_of, finish, refused, start
from tests.support.flv import Recorder

PART = "demo-1764311460-17-1.flv"
GOOD = {"recording": 12, "slug": "demo", "start": START, "parts": [PART]}


@pytest.mark.parametrize(
    "change,fault",
    [
        ({"recording": "12"}, "recording is not a number"),
        ({"recording": True}, "recording is not a number"),
        ({"slug": "../etc"}, "slug is missing or strange"),
        ({"slug": "Demo"}, "slug is missing or strange"),
        ({"slug": "demo\n"}, "slug is missing or strange"),
        ({"start": "2025-11-28"}, "start is missing or strange"),
        ({"start": "\u0662\u0660\u0662\u06651128T063100Z"}, "start is missing or strange"),
        ({"parts": []}, "parts is not a list of 1 to 10000 names"),
        ({"parts": PART}, "parts is not a list of 1 to 10000 names"),
        ({"parts": [PART, PART]}, "a part is named twice"),
        ({"parts": [PART, 7]}, "part 2 is not the name of a part of demo"),
        ({"parts": [f"../12/{PART}"]}, "part 1 is not the name of a part of demo"),
        ({"parts": [f"-{PART}"]}, "part 1 is not the name of a part of demo"),
        ({"parts": [f"{PART}\n"]}, "part 1 is not the name of a part of demo"),
        ({"parts": [f"{PART}\0.flv"]}, "part 1 is not the name of a part of demo"),
        ({"parts": ["other-1764311460-17-1.flv"]}, "part 1 is not the name of a part of demo"),
        ({"strip": 1}, "strip is neither true nor false"),
        ({"vod": None}, "vod is neither true nor false"),
        ({"reserve_bytes": -1}, "reserve_bytes is not a number of bytes"),
        ({"reserve_bytes": True}, "reserve_bytes is not a number of bytes"),
        ({"folder": "/etc"}, "unknown key 'folder'"),
    ],
)
def test_what_is_strange_in_a_job_is_said(change: dict[str, object], fault: str) -> None:
    with pytest.raises(FaultError) as raised:
        job.parse({**GOOD, **change})
    assert str(raised.value) == f"job.json: {fault}"


def test_a_good_job() -> None:
    work = job.parse(GOOD)
    assert (work.stem, work.strip, work.vod, work.reserve_bytes) == (STEM, True, False, 0)
    assert work.parts == (PartName(PART, 17, 1),)
    assert PartName("b", 17, 2).follows(work.parts[0])
    assert not PartName("c", 17, 3).follows(work.parts[0])
    assert not PartName("d", 18, 2).follows(work.parts[0])
    assert not work.parts[0].follows(None)


@pytest.mark.parametrize(
    "folder",
    ["12", "/srv/kept/12/", "/srv/kept/twelve", "/srv/kept/-12", "/srv/kept/../12", "/srv//12", "/srv/kept/12\n", ""],
)
def test_the_folder_must_be_a_recordings(folder: str) -> None:
    with pytest.raises(ValueError, match="not an absolute path that ends in a recording's number"):
        job.recording_of(folder)


def test_a_folder_that_is_not_a_recordings_is_one_line(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 2
    assert said == f"headend-finish: --folder {tmp_path}: not an absolute path that ends in a recording's number\n"


def test_a_link_is_no_folder(folder: Path) -> None:
    (folder.parent / "13").symlink_to(folder)
    with start(folder.parent / "13") as process:
        said = process.communicate(timeout=30)[1]
    assert (process.returncode, said.count("\n")) == (2, 1)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "text,fault",
    [
        ("{", "job.json is not JSON"),
        ("[" * 100_000, "job.json is not JSON"),
        ("[]", "job.json is not an object"),
        ("\xff", "job.json is not JSON"),
        (" " * 1_100_000, "job.json is larger than 1048576 bytes"),
        (json.dumps({**GOOD, "recording": 13}), "job.json is about recording 13, and this is the folder of 12"),
    ],
    ids=["cut", "deep", "a list", "latin-1", "large", "another's"],
)
def test_a_job_that_cannot_be_read_has_a_result(folder: Path, text: str, fault: str) -> None:
    (folder / "job.json").write_text(text, encoding="latin-1")
    assert refused(folder, None) == fault


def test_no_job(folder: Path) -> None:
    done = finish(folder)
    assert (done.status, done.result["fault"]) == (0, "job.json cannot be opened: No such file or directory")


def test_a_link_for_a_job(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(json.dumps(GOOD))
    (folder / "job.json").symlink_to(tmp_path / "elsewhere")
    assert refused(folder, None) == "job.json cannot be opened: Too many levels of symbolic links"


def test_a_link_for_a_part_is_not_followed(folder: Path, tmp_path: Path, sent: Sent) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    name = Recorder(elsewhere).record(sent())[0]
    (folder / name).symlink_to(elsewhere / name)
    assert refused(folder, [name]) == f"{name} cannot be opened: Too many levels of symbolic links"


def test_a_second_name_of_another_file_is_no_part(folder: Path, tmp_path: Path, sent: Sent) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    name = Recorder(elsewhere).record(sent())[0]
    (folder / name).hardlink_to(elsewhere / name)
    assert refused(folder, [name]) == f"{name} is not a file of its own"


def test_neither_a_fifo_nor_a_folder_is_a_part(folder: Path) -> None:
    os.mkfifo(folder / PART)
    assert refused(folder, [PART]) == f"{PART} is not a file of its own"
    (folder / PART).unlink()
    (folder / PART).mkdir()
    assert refused(folder, [PART]) == f"{PART} is not a file of its own"


def test_a_part_that_is_gone_costs_nothing_that_was_made_of_it(folder: Path, sent: Sent) -> None:
    parts = Recorder(folder).record(sent())
    film = film_of(folder, parts)
    before = film.read_bytes()
    (folder / parts[0]).unlink()
    done = finish(folder)
    assert (done.status, done.result["ok"]) == (0, False)
    assert done.result["fault"] == f"{parts[0]} cannot be opened: No such file or directory"
    assert film.read_bytes() == before


def test_links_under_our_names_are_replaced_and_not_written_through(folder: Path, tmp_path: Path, sent: Sent) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    parts = Recorder(folder).record(sent())
    names = [
        f"{STEM}.mp4",
        f"{STEM}.strip.jpg",
        f"{STEM}.strip.vtt",
        "ladder.m3u8",
        "ladder-720p.m3u8",
        "result.json",
    ]
    for name in names:
        (folder / name).symlink_to(victim)
        (folder / f".finishing-{name}").symlink_to(victim)
    (folder / ".finishing-vod").symlink_to(tmp_path)
    kept = {"ladder.master": "720p/index.m3u8\n", "ladder-720p.ts": "G", "ladder-720p.txt": f"0 1 2.0 {DATE} - 1.ts\n"}
    for name, text in kept.items():
        (folder / name).write_text(text)
    done = finish(folder, parts, vod=True)
    assert (done.status, done.result["ok"], done.result["fault"]) == (0, True, None)
    assert victim.read_text() == "precious"
    assert {path.name for path in folder.iterdir()} == {*parts, "job.json", *names, *kept}
    assert not any(path.is_symlink() for path in folder.iterdir())


def test_only_one_at_a_time(folder: Path, sent: Sent) -> None:
    parts = Recorder(folder).record(sent(seconds=30))
    job_text = json.dumps({**GOOD, "parts": parts})
    (folder / "job.json").write_text(job_text)
    with start(folder) as first, start(folder) as second:
        said = [process.communicate(timeout=60)[1] for process in (first, second)]
    statuses = sorted((first.returncode, second.returncode))
    assert statuses == [0, 1], said
    assert "headend-finish: recording 12: another run is at work on it\n" in said
    assert json.loads((folder / "result.json").read_text())["ok"]
