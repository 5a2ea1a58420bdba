"""What an HTTP answer means for a message; the same for every place that is told by HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

from hooks_app.announcer.backoff import pause_seconds
from hooks_app.outbound import Answer
from hooks_app.senders.outcome import Again, Broken, Dead, Outcome, Sent

GONE = frozenset({401, 403, 404, 410})
"""The key is wrong or the place is not there: trying again annoys, and changes nothing."""
LATER = frozenset({408, 425, 429})


def outcome_of(answer: Answer, *, receipt: str | None = None, everywhere: bool = False) -> Outcome:
    """The outcome by the status; `everywhere`: a 429 goes for every place of the kind."""
    status = answer.status
    if 200 <= status < 300:
        return Sent(status, receipt)
    if status in GONE:
        return Broken(f"HTTP {status}", status)
    if status in LATER or status >= 500:
        pause = pause_seconds(dict(answer.headers), datetime.now(UTC))
        return Again(f"HTTP {status}", status, pause, everywhere and status == 429)
    # A redirect is not followed: it would take the message, or a secret in the URL, to a place nobody declared.
    return Dead(f"HTTP {status}", status)
