"""What is mended, given what was seen?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hooks_app.ledger import SessionView
from hooks_app.repair import Repair, Sight, decide
from hooks_app.states import State

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def session(state: State = State.LIVE, client_id: int = 7) -> SessionView:
    """An open session of publisher 7."""
    return SessionView(
        id=1, slug="demo", client_id=client_id, state=state, since=NOON, started_at=NOON, admitted_at=NOON,
        live_at=None, ended_at=None,
    )  # fmt: skip


END, ADOPT, WITHDRAW, RESTART, STOP = Repair.END, Repair.ADOPT, Repair.WITHDRAW, Repair.RESTART, Repair.STOP
ON_AIR = {"publisher": 7, "session": session(), "encoder_running": True}
CASES: dict[str, tuple[dict[str, Any], tuple[Repair, ...]]] = {
    "nothing on air": ({}, ()),
    "on air": (ON_AIR, ()),
    "publisher just gone": ({**ON_AIR, "publisher": None, "absent_seconds": 2.4}, ()),
    "publisher gone": ({**ON_AIR, "publisher": None, "absent_seconds": 2.5}, (END, STOP)),
    "publisher and encoder gone": ({"session": session(), "absent_seconds": 9.0}, (END,)),
    "orphan encoder": ({"encoder_running": True}, (STOP,)),
    "orphan encoder of an undeclared stream": ({"declared": False, "encoder_running": True}, (STOP,)),
    "nginx just down": ({**ON_AIR, "publisher": None, "ingest_up": False, "absent_seconds": 4.9}, ()),
    "nginx down": ({**ON_AIR, "publisher": None, "ingest_up": False, "absent_seconds": 5.0}, (END, STOP)),
    "nginx just down, encoder waits": ({"ingest_up": False, "encoder_running": True, "absent_seconds": 1.0}, ()),
    "nginx down, encoder waits": ({"ingest_up": False, "encoder_running": True, "absent_seconds": 6.0}, (STOP,)),
    "let in just before a kill": ({"publisher": 7, "encoder_running": True}, (ADOPT,)),
    "let in just before a kill, encoder gone": ({"publisher": 7}, (ADOPT, RESTART)),
    "another publisher than the session's": ({**ON_AIR, "publisher": 9}, (END, ADOPT)),
    "encoder gone": ({**ON_AIR, "encoder_running": False}, (RESTART,)),
    "encoder just detached": ({**ON_AIR, "detached_seconds": 4.9}, ()),
    "encoder runs but is not attached": ({**ON_AIR, "detached_seconds": 5.0}, (RESTART,)),
    "playlist stands still": ({**ON_AIR, "stalled": True}, (WITHDRAW,)),
    "playlist stands still before live": ({**ON_AIR, "session": session(State.STARTING), "stalled": True}, ()),
    "undeclared but on air": ({**ON_AIR, "declared": False, "encoder_running": False}, ()),
}


@pytest.mark.parametrize("case", CASES)
def test_the_repair_for(case: str) -> None:
    seen, repairs = CASES[case]
    assert decide(Sight(**seen)) == repairs
