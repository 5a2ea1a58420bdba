"""Everything that the routes of the API use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from headend.model.facts import HookFacts
from hooks_app.bit_rates import BitRates
from hooks_app.database import Database
from hooks_app.encoder_progress import EncoderProgress
from hooks_app.enforcer import Enforcer
from hooks_app.events import Events
from hooks_app.faults import Faults
from hooks_app.here import Here
from hooks_app.history import History
from hooks_app.keys import KeyRing
from hooks_app.ledger import Ledger
from hooks_app.schedules import Schedules
from hooks_app.streams import StreamRegistry
from hooks_app.tokens import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Backstage:
    """Collaborators, one object for all routes."""

    facts: HookFacts
    database: Database
    here: Here
    streams: StreamRegistry
    ledger: Ledger
    history: History
    keys: KeyRing
    events: Events
    schedules: Schedules
    faults: Faults
    enforcer: Enforcer
    progress: EncoderProgress
    bit_rates: BitRates
    tokens: Tokens
    streams_changed: Callable[[], None]
    """A stream was made or removed: everything that must know it does before the answer."""
    hint: Callable[[], None]
    """Look now: something may have changed."""
    state_is_known: Callable[[], bool]
    """Whether what the database says of states has been looked after of late."""
    keys_changed: Callable[[], None]
    """nginx@srt must know it now."""
