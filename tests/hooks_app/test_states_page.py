"""Does the guide say what the table says?"""

from __future__ import annotations

import re
from pathlib import Path

from hooks_app.states import TRANSITIONS, State, Trigger

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "states.md"
TRIGGERS_EXPLAINED_BY_THEIR_NAME = {Trigger.CANCELLED, Trigger.ARCHIVED}


def test_the_page_has_every_transition_and_no_other() -> None:
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (\w+) \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == [(before.value, trigger.value, after.value) for (before, trigger), after in TRANSITIONS.items()]


def test_the_page_explains_every_state_and_trigger() -> None:
    page = PAGE.read_text()
    assert all(f"| `{state.value}` |" in page for state in State)
    assert all(f"* **{trigger.value}**" in page for trigger in set(Trigger) - TRIGGERS_EXPLAINED_BY_THEIR_NAME)
