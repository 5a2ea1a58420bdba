"""A message on its way, as a sender sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from headend.announcing.occasion import Occasion
from headend.announcing.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is to be said, where, and what was said before."""

    id: int
    uid: str
    """The same at every attempt."""
    destination: str
    part: str
    occasion: Occasion
    story: Story
    made_at: datetime
    attempts: int
    """This one included."""
    repeated: bool
    """It may have arrived before."""
    earlier: str | None = None
    """Receipt of what this one changes or ends, e.g. of the post that said that it is live."""
