"""Documents as answers: with an ETag where a client asks again and again, in pages where there are many."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import HTTPException, Path, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, field_validator
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from hooks_app.api.plain_text import FAULT, is_plain
from hooks_app.problem import NO_STORE, PROBLEM_REF, PROBLEM_TYPE

T = TypeVar("T")
R = TypeVar("R")

PAGE: Final = 50
LONGEST_PAGE: Final = 200
_NO_CACHE: Final = {"Cache-Control": "no-cache"}

Id = Annotated[int, Path(ge=1, lt=2**31)]
"""Of a row, in a path: what no column could hold is no id."""
Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="How many, at most.")]
Cursor = Annotated[str | None, Query(max_length=64, description="`next` of the page before.")]


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None


Moment = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A time in a request: RFC 3339 with an offset; UTC from then on."""


class Document(BaseModel):
    """An answer; every field is documented by the text below it."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Body(BaseModel):
    """A request's body; unknown fields and control characters are refused."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _check_text(cls, value: Any) -> Any:
        if not is_plain(value):
            raise ValueError(FAULT)
        return value


class Page(Document, Generic[T]):
    """A part of a long list."""

    items: list[T]
    """In their order."""
    next: str | None
    """`cursor` of the page that follows; null at the end."""


def page(rows: Sequence[R], limit: int, key: Callable[[R], int | str], view: Callable[[R], T]) -> Page[T]:
    """A page of `limit` documents out of `limit + 1` rows, if there are so many."""
    items = rows[:limit]
    more = encode_cursor(key(items[-1])) if len(rows) > limit else None
    return Page(items=[view(row) for row in items], next=more)


def newest_first(
    query: Select[R],
    number: InstrumentedAttribute[int],
    wanted: Mapping[InstrumentedAttribute[Any], Any],
    limit: int,
    cursor: str | None,
) -> Select[R]:
    """The rows of a page, and one more: those that have what is wanted, where that is not None. 422 for no cursor."""
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if (before := decode_cursor(cursor)) is not None:
        query = query.where(number < before)
    return query.order_by(number.desc()).limit(limit + 1)


def encode_cursor(place: int | str) -> str:
    """Opaque, so that nobody counts with it."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int | None:
    """A number; 422 for what is no cursor."""
    text = decode_text(cursor)
    if text is not None and (not text.isdigit() or len(text) > 15):
        raise _no_cursor()
    return int(text) if text is not None else None


def decode_text(cursor: str | None) -> str | None:
    """The name of a row; 422 for what is no cursor."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (ValueError, binascii.Error, UnicodeDecodeError):
        raise _no_cursor() from None
    if not text.isalnum():
        raise _no_cursor()
    return text


def _no_cursor() -> HTTPException:
    return HTTPException(422, "cursor: not one of this API's; start without it.")


def state(request: Request, document: BaseModel) -> Response:
    """A public document that clients ask for again and again: 304 while it is the same."""
    body = document.model_dump_json().encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, **_NO_CACHE}
    if tag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def versioned(response: Response, version: int) -> None:
    """The ETag of something that is changed by its version."""
    response.headers["ETag"] = f'"{version}"'
    response.headers.update(NO_STORE)


def check_version(request: Request, version: int) -> None:
    """428 without If-Match, 412 where somebody else has changed it meanwhile."""
    tags = _tags(request.headers.get("if-match", ""))
    if not tags:
        raise HTTPException(428, "Say which version you change: If-Match with the ETag of your last answer.")
    if "*" not in tags and f'"{version}"' not in tags:
        raise HTTPException(412, f"It was changed meanwhile: it is version {version} now. Read it again.")


def _tags(header: str) -> list[str]:
    # RFC 9110 section 8.8.3.2: for If-None-Match weak and strong are the same.
    return [tag.strip().removeprefix("W/") for tag in header.split(",") if tag.strip()]


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer, for its description; 422 always, or FastAPI would describe its own."""
    # By reference, not as a model: FastAPI would say application/json, and make one anew for each status of each route.
    return {status: {"content": {PROBLEM_TYPE: {"schema": {"$ref": PROBLEM_REF}}}} for status in {*statuses, 422}}
