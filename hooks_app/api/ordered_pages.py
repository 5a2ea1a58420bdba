"""Pages of lists that have another order than a number: by columns, of which the last is the text that names a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from fastapi import HTTPException
from sqlalchemy import Select, and_, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from hooks_app.api.answers import decode_text

R = TypeVar("R")


def in_order(
    db: Session, query: Select[R], columns: Sequence[InstrumentedAttribute[Any]], limit: int, cursor: str | None
) -> Select[R]:
    """The rows of a page, and one more; `cursor` names the last row of the page before. 422 for no cursor.

    A row is never removed from such a list, so that the one that the cursor names is there.
    """
    if (name := decode_text(cursor)) is not None:
        last = db.scalars(query.where(columns[-1] == name)).one_or_none()
        if last is None:
            raise HTTPException(422, "cursor: not one of this list's; start without it.")
        values = [getattr(last, column.key) for column in columns]
        query = query.where(or_(*(_beyond(columns[: depth + 1], values) for depth in range(len(columns)))))
    return query.order_by(*columns).limit(limit + 1)


def _beyond(columns: Sequence[InstrumentedAttribute[Any]], values: Sequence[Any]) -> Any:
    """Equal in all columns but the last of these, and more in that one."""
    *equal, more = zip(columns, values, strict=False)
    return and_(*(column == value for column, value in equal), more[0] > more[1])
