"""Finding the one thing that a request names, for a caller who may see it; for anybody else it is not there."""

from __future__ import annotations

from typing import TypeVar

from fastapi import HTTPException
from sqlalchemy.orm import Session

from headend.model.facts import StreamFacts
from hooks_app.api.backstage import Backstage
from hooks_app.table_base import Base
from hooks_app.tables import StreamRow
from hooks_app.tokens import Caller

R = TypeVar("R", bound=Base)


def found(db: Session, row_type: type[R], key: int | str, caller: Caller, what: str) -> R:
    """A row with an owner; 404 where it is none of the caller's, as where it is not at all."""
    row = db.get(row_type, key)
    if row is None or not caller.may_see(getattr(row, "owner", None)):
        raise HTTPException(404, f"There is no such {what}.")
    return row


def stream_of(stage: Backstage, slug: str, caller: Caller | None = None) -> StreamFacts:
    """A stream; 404 where there is none, or none of the caller's if one is given."""
    stream = stage.streams.get(slug)
    if stream is None or (caller is not None and not caller.may_see(stream.owner)):
        raise HTTPException(404, "There is no such stream.")
    return stream


def owner_of_slug(db: Session, slug: str) -> str | None:
    """Whose a stream is or was; None for one that was never written down."""
    row = db.get(StreamRow, slug)
    return row.owner if row is not None else None
