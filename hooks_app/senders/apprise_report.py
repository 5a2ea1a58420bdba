"""What the child that runs Apprise has seen, and what it means: Apprise itself says only yes or no."""

from __future__ import annotations

from pydantic import Field

from headend.model.base import Model
from hooks_app.outbound import Answer
from hooks_app.senders.http import GONE, LATER, outcome_of
from hooks_app.senders.outcome import Again, Broken, Outcome, Sent, Unknown


class Call(Model):
    """One HTTP request of a plugin."""

    status: int | None = None
    """What was answered; None: nothing."""
    retry_after: str = ""
    """Its header."""
    sent: bool = False
    """It, or a part of it, went out."""
    reads: bool = False
    """It only asked something."""
    again: bool = False
    """The address has taken something before."""

    @property
    def is_taken(self) -> bool:
        """Whether the service took something."""
        return not self.reads and self.status is not None and 200 <= self.status < 300


class Report(Model):
    """In the order of what happened."""

    told: bool = False
    """What Apprise says."""
    readable: bool = True
    """The secret is one URL, and Apprise knows it."""
    refused: bool = False
    """The guard did not let it out."""
    connected: bool = False
    """A connection was made, by whichever protocol."""
    targets: int = 1
    """Whom the URL names: rooms, people, channels."""
    failed: str = ""
    """Type of the exception that ended it."""
    calls: tuple[Call, ...] = Field(default=(), strict=False)


def outcome_of_report(report: Report) -> Outcome:
    """What came of it. Who may have it already is not told again: people would read it twice."""
    calls = report.calls
    if not report.readable:
        return Broken("its secret is not one URL that Apprise can read")
    if report.told:
        return Sent(next((call.status for call in reversed(calls) if call.is_taken), None))
    if any(call.sent and call.status is None and not call.reads for call in calls):
        return Unknown("the service did not answer in time, or not to the end", again=False)
    if report.refused:
        return Broken("an address of the service is not public, and not listed in outbound.allow")
    if calls:
        return _of_calls(report)
    if report.connected:
        return Unknown(f"Apprise says that it failed{_by(report)}, and not how far it came", again=False)
    return Again(f"Apprise reached nobody{_by(report)}")


def _of_calls(report: Report) -> Outcome:
    last = report.calls[-1]
    if last.status is None:
        said = Again("no connection to the service" if not last.sent else "the service did not answer")
        return _unless_in_part(report, last, said)
    wrong = [call for call in report.calls if call.status is not None and call.status >= 300]
    if not wrong:
        return Unknown(f"the service answered HTTP {last.status}, and Apprise says that it failed", again=False)
    # Of several answers the one that gives hope: a later try shows the others again.
    hope = [call for call in wrong if call.status is not None and (call.status in LATER or call.status >= 500)]
    picked = (hope or [call for call in wrong if call.status not in GONE] or wrong)[-1]
    return _unless_in_part(report, picked, _of_call(picked))


def _of_call(call: Call) -> Outcome:
    return outcome_of(Answer(call.status or 0, {"retry-after": call.retry_after}, b""))


def _unless_in_part(report: Report, call: Call, outcome: Outcome) -> Outcome:
    """With one target, what was taken before was a login; with several, or at the same address, a part of it."""
    taken = any(one.is_taken for one in report.calls)
    if call.again or (taken and report.targets > 1):
        return Unknown(f"the service took a part of it; then {getattr(outcome, 'reason', '')}", again=False)
    return outcome


def _by(report: Report) -> str:
    return f" ({report.failed})" if report.failed else ""
