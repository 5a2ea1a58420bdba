"""The destinations that the spec declares, written down at every start: the spec wins."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from headend.model.announcements import Destination
from headend.model.facts import HookFacts
from hooks_app.database import Database
from hooks_app.tables import DestinationRow, OwnerRow


def declare_destinations(facts: HookFacts, database: Database, now: datetime) -> None:
    """Bring the rows to what the spec says. Raises SQLAlchemyError."""
    declared = {place.name: place for place in facts.announcements.settings.destinations} if facts.announcements else {}
    with database.write() as db:
        for name in sorted({place.owner for place in declared.values()}):
            if db.get(OwnerRow, name) is None:
                db.add(OwnerRow(name=name, title=name, created_at=now))
        db.flush()
        for row in db.scalars(select(DestinationRow).where(DestinationRow.declared)):
            if row.name not in declared:
                db.delete(row)
        for name, place in declared.items():
            row = db.get(DestinationRow, name) or DestinationRow(name=name, created_at=now, updated_at=now, version=1)
            if not row.declared or not _same(row, place):
                row.kind, row.owner, row.title, row.enabled = place.kind, place.owner, place.title, place.enabled
                row.settings, row.declared = _shown(place), True
                row.version, row.updated_at = (row.version or 0) + 1, now
            db.add(row)


def _same(row: DestinationRow, place: Destination) -> bool:
    return (row.kind, row.owner, row.title, row.settings) == (place.kind, place.owner, place.title, _shown(place))


def _shown(place: Destination) -> dict[str, object]:
    """What is not secret: names of credentials are in the spec, and stay there."""
    kept = ("streams", "occasions", "per_minute", "url", "smtp_host", "mail_from")
    return {name: value for name, value in place.model_dump(mode="json").items() if name in kept and value}
