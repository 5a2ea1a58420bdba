"""Do the encoders of the trade come on air over SRT, both ways in, and does the record say how?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.origin import Key, Origin
from testbed.viewer import Viewer
from tests.support.hosts import Deployed
from tests.support.processes import until
from tests.support.remuxers import remux_pids, remux_units
from tests.support.srt_encoders import PROGRAMS, program

# OBS begins with a window that nobody sees, on a machine that encodes meanwhile.
ON_AIR_SECONDS = 40.0
OFF_AIR_SECONDS = 15.0
STAT = "curl -sSf http://127.0.0.1:8082/srt_stat"


@dataclass(frozen=True, slots=True)
class Live:
    """A program on air over SRT."""

    origin: Origin
    state: dict[str, Any]
    mode: str
    playlists: dict[str, set[str]]
    """New segments of each rendition."""
    caller: dict[str, Any]
    """What nginx@srt says of it."""
    units: list[str]


def sessions(origin: Origin) -> list[dict[str, Any]]:
    """The stream's record, newest first."""
    listed: list[dict[str, Any]] = json.loads(
        origin.host.run(["headend-key", "sessions", origin.slug, "--json"]).stdout
    )
    return listed


@pytest.fixture(
    scope="module",
    params=[(name, mode) for mode in ("encrypted", "signed") for name in PROGRAMS],
    ids=lambda param: "-".join(param),
)
def live(
    request: pytest.FixtureRequest, deployment: Deployed, key: Key, film: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """Each program in turn, each way in turn, until every rendition plays."""
    name, mode = request.param
    origin = deployment.origin
    settings = origin.srt_settings(key, signed=mode == "signed")
    viewer = Viewer(f"{origin.http}/streams/{origin.slug}/index.m3u8")
    origin.wait_off_air()
    seen = viewer.listed()
    with program(name, film, tmp_path_factory.mktemp(name), settings):
        viewer.wait_playable(seen, ON_AIR_SECONDS)
        state = origin.wait_state("live")
        fresh = {rendition: segments - seen.get(rendition, set()) for rendition, segments in viewer.listed().items()}
        (caller,) = json.loads(origin.host.shell(STAT))["sessions"]
        yield Live(origin, state, mode, fresh, caller, remux_units(origin.host))
    viewer.http.close()
    origin.wait_state("ended", seconds=OFF_AIR_SECONDS)
    until(OFF_AIR_SECONDS, lambda: not remux_units(origin.host) and not remux_pids(origin.host))


def test_every_rendition_plays(live: Live) -> None:
    assert set(live.playlists) == set(live.state["renditions"])
    assert all(live.playlists.values())


def test_api_says_by_which_protocol(live: Live) -> None:
    assert live.state["session"]["protocol"] == "srt"
    assert live.state["fault"] is None


def test_api_keeps_key_and_peer_to_itself(live: Live, key: Key) -> None:
    shown = json.dumps(live.state)
    assert key.key_id not in shown
    assert live.caller["peer"].rpartition(":")[0] not in shown


def test_record_says_who_it_was(live: Live, key: Key) -> None:
    newest = sessions(live.origin)[0]
    assert newest["id"] == live.state["session"]["id"]
    wanted = {"protocol": "srt", "mode": live.mode, "key_id": key.key_id, "peer": live.caller["peer"]}
    assert {name: newest[name] for name in wanted} == wanted


def test_stat_says_how_it_is_encrypted(live: Live, key: Key) -> None:
    assert live.caller["slug"] == live.origin.slug
    assert live.caller["key_id"] == key.key_id
    assert live.caller["mode"] == live.mode
    assert live.caller["encryption"] == ("aes-128" if live.mode == "encrypted" else "none")
    assert live.caller["packets_undecrypted"] == 0


def test_one_remuxer(live: Live) -> None:
    assert len(live.units) == 1
