"""Killed at any moment, does the next run make the same film and leave nothing else?"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

from tests.finisher.test_vod import MASTER, keep_ladder
from tests.support.finishing import STEM, decodes, film_of, finish, job, same_frames, start
from tests.support.flv import Message, Recorder

KILLS = 20


def test_a_run_after_twenty_kills_is_as_good_as_the_first(folder: Path, tmp_path: Path, shown: list[Message]) -> None:
    other = tmp_path / "undisturbed" / "12"
    other.mkdir(parents=True)
    for one in (other, folder):
        (one / "ladder.master").write_text(MASTER)
        keep_ladder(one, "360p", "160x90")
    began = time.monotonic()
    undisturbed = film_of(other, Recorder(other, seconds=9.5).record(shown), vod=True)
    length = time.monotonic() - began
    parts = Recorder(folder, seconds=9.5).record(shown)
    before = {name: (folder / name).read_bytes() for name in [*parts, "ladder-360p.ts", "ladder-360p.txt"]}
    job(folder, parts, vod=True)
    chance = random.Random(6)
    seen = set()
    for _ in range(KILLS):
        with start(folder) as process:
            time.sleep(chance.uniform(0.05, length))
            # As systemd does it: everything of the unit at once.
            os.killpg(process.pid, signal.SIGKILL)
        seen |= set(os.listdir(folder))
        for name in os.listdir(folder):
            if name == "result.json":
                assert json.loads((folder / name).read_text())["ok"]
    assert f".finishing-{STEM}.mp4" in seen
    done = finish(folder)
    assert (done.status, done.result["ok"], done.result["fault"]) == (0, True, None)
    film = folder / f"{STEM}.mp4"
    assert film.read_bytes() == undisturbed.read_bytes()
    same_frames(film, shown)
    decodes(film)
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert [file["name"] for file in done.result["vod"]] == ["ladder.m3u8", "ladder-360p.m3u8", "ladder-360p.ts"]
    assert set(os.listdir(folder)) == set(os.listdir(other))
