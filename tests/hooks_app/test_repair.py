"""What is mended, given what was seen?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hooks_app.repair import Repair, Sight, decide
from hooks_app.session_view import SessionView
from hooks_app.states import State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def session(state: State = State.LIVE, client_id: int = 7) -> SessionView:
    """An open session of publisher 7."""
    return SessionView(
        id=1, slug="demo", client_id=client_id, state=state, since=NOON, started_at=NOON, admitted_at=NOON,
        live_at=None, ended_at=None,
    )  # fmt: skip


LOSE, END, ADOPT, DROP = Repair.LOSE, Repair.END, Repair.ADOPT, Repair.DROP
WITHDRAW, RESTART, STOP, FINISH = Repair.WITHDRAW, Repair.RESTART, Repair.STOP, Repair.FINISH
ON_AIR = {"publisher": 7, "session": session(), "encoder_running": True, "grace_seconds": 30.0}
LEFT = {**ON_AIR, "publisher": None, "absent_seconds": 2.5}
WAITING = {"session": replace(session(State.INTERRUPTED), publisher_lost_at=NOON), "grace_seconds": 30.0}
CONDEMNED = replace(session(), ending="key revoked")
CASES: dict[str, tuple[dict[str, Any], tuple[Repair, ...]]] = {
    "nothing on air": ({}, ()),
    "on air": (ON_AIR, ()),
    "publisher just gone": ({**LEFT, "absent_seconds": 2.4}, ()),
    "publisher gone": (LEFT, (LOSE, STOP)),
    "publisher and encoder gone": ({**LEFT, "encoder_running": False}, (LOSE,)),
    "publisher gone, no grace": ({**LEFT, "grace_seconds": 0.0}, (END, FINISH)),
    "publisher gone before live": ({**LEFT, "session": session(State.STARTING)}, (END, FINISH)),
    "publisher gone, as it had to": ({**LEFT, "session": CONDEMNED}, (END, FINISH)),
    "publisher gone while a playlist stood still": ({**LEFT, "session": session(State.INTERRUPTED)}, (LOSE, STOP)),
    "publisher gone of an undeclared stream": ({**LEFT, "declared": False, "grace_seconds": 0.0}, (END, STOP)),
    "waiting for the publisher": ({**WAITING, "lost_seconds": 29.9}, ()),
    "waiting, and the encoder runs on": ({**WAITING, "lost_seconds": 5.0, "encoder_running": True}, (STOP,)),
    "waited long enough": ({**WAITING, "lost_seconds": 30.0}, (END, FINISH)),
    "waited long enough while nginx is down": ({**WAITING, "lost_seconds": 30.0, "ingest_up": False}, (END, FINISH)),
    "waiting for one who may not come": (
        {**WAITING, "session": replace(CONDEMNED, publisher_lost_at=NOON), "lost_seconds": 1.0},
        (END, FINISH),
    ),
    "waiting, and one is there": ({**WAITING, "publisher": 9, "encoder_running": True}, (ADOPT,)),
    "over, without end tags": ({"finished": False}, (FINISH,)),
    "orphan encoder": ({"encoder_running": True}, (FINISH,)),
    "orphan encoder of an undeclared stream": ({"declared": False, "encoder_running": True}, (STOP,)),
    "nginx just down": ({**LEFT, "ingest_up": False, "absent_seconds": 4.9}, ()),
    "nginx down": ({**LEFT, "ingest_up": False, "absent_seconds": 5.0}, (LOSE, STOP)),
    "nginx just down, encoder waits": ({"ingest_up": False, "encoder_running": True, "absent_seconds": 1.0}, ()),
    "nginx down, encoder waits": ({"ingest_up": False, "encoder_running": True, "absent_seconds": 6.0}, (FINISH,)),
    "let in just before a kill": ({"publisher": 7, "encoder_running": True}, (ADOPT,)),
    "let in just before a kill, encoder gone": ({"publisher": 7}, (ADOPT, RESTART)),
    "another publisher than the session's": ({**ON_AIR, "publisher": 9}, (ADOPT,)),
    "encoder gone": ({**ON_AIR, "encoder_running": False}, (RESTART,)),
    "encoder just detached": ({**ON_AIR, "detached_seconds": 4.9}, ()),
    "encoder runs but is not attached": ({**ON_AIR, "detached_seconds": 5.0}, (RESTART,)),
    "playlist stands still": ({**ON_AIR, "stalled": True}, (WITHDRAW,)),
    "playlist stands still before live": ({**ON_AIR, "session": session(State.STARTING), "stalled": True}, ()),
    "on air and may not": ({**ON_AIR, "session": CONDEMNED}, (DROP,)),
    "undeclared but on air": ({**ON_AIR, "declared": False, "encoder_running": False}, ()),
    "undeclared with another publisher": ({**ON_AIR, "declared": False, "publisher": 9}, (END,)),
    "another host's session": ({"session": session(), "elsewhere": True}, ()),
    "another host took it over": ({**ON_AIR, "elsewhere": True}, (DROP,)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_repair_for(case: str) -> None:
    seen, repairs = CASES[case]
    assert decide(Sight(**seen)) == repairs
