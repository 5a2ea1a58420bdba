"""Does a remuxer's fault reach people, and nothing else of its file?"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks_app.faults import parse_fault
from tests.hooks_app.conftest import World

NOON = 1772366400
HEVC = "The SRT caller sent HEVC video; RTMP cannot carry it. Send H.264."
SENTENCES = {
    ("video-codec", "hevc"): HEVC,
    ("video-codec", "<b>"): "The SRT caller sent video in a codec of its own; RTMP cannot carry it. Send H.264.",
    ("no-video", "no picture"): "The SRT caller sent no picture. Send H.264.",
    ("no-video", "no keyframe"): "The SRT caller sent no keyframe. Set the encoder's keyframe interval to 2 s.",
    ("no-program", ""): "The SRT caller sent no MPEG-TS. Set the encoder's container to MPEG-TS, with H.264 and AAC.",
    ("no-program", "silent"): "The SRT caller sent nothing. Start the encoder's output.",
    ("publish-refused", ""): "The SRT caller was not let in. The journal of headend-hooks.service says why.",
}


def leave(world: World, content: bytes | None = None, **changed: Any) -> Path:
    """A remuxer leaves a fault of the stream demo."""
    assert world.facts.srt is not None
    file = Path(world.facts.srt.faults_dir) / "demo.json"
    fault = {"at": NOON, "reason": "video-codec", "detail": "hevc", **changed}
    file.write_bytes(json.dumps(fault).encode() if content is None else content)
    return file


def shown(world: World) -> Any:
    """The fault that the API tells."""
    return world.client.get("/api/v1/streams/demo").json()["fault"]


def test_a_fault_is_shown_as_a_sentence_with_its_remedy(world: World) -> None:
    leave(world)
    assert shown(world) == {"at": "2026-03-01T12:00:00Z", "reason": HEVC}
    assert [stream["fault"] for stream in world.client.get("/api/v1/streams").json()["streams"]][1] is None


@pytest.mark.parametrize("reason, detail", SENTENCES)
def test_the_sentence_for(world: World, reason: str, detail: str) -> None:
    leave(world, reason=reason, detail=detail)
    assert shown(world)["reason"] == SENTENCES[reason, detail]


def test_it_stays_until_a_publisher_is_let_in_after_it(world: World) -> None:
    leave(world)
    world.clock.sleep(1)
    world.units.broken = True
    assert world.publish() == 503
    assert shown(world) is not None
    world.units.broken = False
    assert world.publish(client=8) == 200
    assert shown(world) is None


def test_a_fault_after_the_last_session_is_shown(world: World) -> None:
    world.go_live()
    world.leave()
    leave(world, at=NOON + 1.5)
    world.clock.sleep(2)
    assert shown(world)["at"] == "2026-03-01T12:00:01.500000Z"


def test_an_attempt_under_way_does_not_bring_an_old_fault_back(world: World) -> None:
    leave(world, at=NOON - 60)
    world.go_live()
    world.leave()
    seen: list[Any] = []
    world.units.restarted = lambda slug: (seen.append(shown(world)), world.ingest.attach(slug))[1]
    assert world.publish(client=8) == 200
    assert seen == [None]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"[" * 1000, b"\xff\xfe", b'{"at": 1, "reason": "no-video"}',
        b'{"at": 1, "reason": "no-video", "detail": "", "more": 1}',
        b'{"at": 1, "at": 1, "reason": "no-video", "detail": ""}',
        b'{"at": 1, "reason": "no-video", "detail": ""}' + b" " * 1024,
    ],
)  # fmt: skip
def test_a_file_that_no_remuxer_writes_is_none(world: World, content: bytes) -> None:
    leave(world, content)
    assert shown(world) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "because"}, {"reason": ""}, {"reason": 1}, {"reason": None}, {"detail": None}, {"detail": ["hevc"]},
        {"at": "1772366400"}, {"at": None}, {"at": True}, {"at": -1}, {"at": 0}, {"at": 1e300}, {"at": float("inf")},
        {"at": float("nan")}, {"at": NOON + 60}, {"at": 10**400},
    ],
)  # fmt: skip
def test_a_value_that_no_remuxer_writes_is_none(world: World, changed: dict[str, Any]) -> None:
    leave(world, **changed)
    assert shown(world) is None


def test_a_link_a_fifo_and_a_folder_are_none(world: World, tmp_path: Path) -> None:
    file = leave(world)
    file.rename(tmp_path / "real.json")
    for lay in (lambda: file.symlink_to(tmp_path / "real.json"), lambda: os.mkfifo(file), file.mkdir):
        lay()
        assert shown(world) is None
        file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()


def test_without_srt_an_old_fault_is_not_shown(world: World) -> None:
    leave(world)
    world.facts = world.facts.model_copy(update={"srt": None})
    world.start()
    assert shown(world) is None


@given(st.binary(max_size=200) | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(repr).map(str.encode))
def test_garbage_is_a_value_error_and_nothing_else(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_fault(content)
