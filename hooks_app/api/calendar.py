"""Events as a calendar that people subscribe to (RFC 5545)."""

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import icalendar
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import answers
from hooks_app.api.backstage import Backstage
from hooks_app.api.lookups import stream_of
from hooks_app.api.views import watch_url
from hooks_app.tables import EventRow
from hooks_app.tokens import Caller

PAST = timedelta(days=30)
MEDIA_TYPE = "text/calendar"


def calendar_routes(stage: Backstage, access: Access) -> APIRouter:
    """/calendar.ics and /streams/{slug}/calendar.ics."""
    router = APIRouter(prefix=PREFIX, tags=["events"])
    public = Annotated[Caller | None, Depends(access.public())]
    shape: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {}}, "description": "An iCalendar file."}}

    @router.get("/calendar.ics", response_class=Response, responses={**shape, **answers(401, 429, 503)})
    def calendar(request: Request, caller: public) -> Response:
        """What is planned on every stream, and what was in the last month."""
        return _calendar(None)

    @router.get(
        "/streams/{slug}/calendar.ics", response_class=Response, responses={**shape, **answers(401, 404, 429, 503)}
    )
    def stream_calendar(slug: str, request: Request, caller: public) -> Response:
        """What is planned on one stream."""
        return _calendar(stream_of(stage, slug).slug)

    def _calendar(slug: str | None) -> Response:
        since = stage.here.clock.now() - PAST
        query = select(EventRow).where(EventRow.ad_hoc.is_(False), EventRow.starts_at >= since)
        if slug is not None:
            query = query.where(EventRow.slug == slug)
        with stage.database.read() as db:
            rows = list(db.scalars(query.order_by(EventRow.starts_at, EventRow.id)))
        text = to_calendar(stage, rows)
        return Response(text, media_type=MEDIA_TYPE, headers={"Cache-Control": "public, max-age=300"})

    return router


def to_calendar(stage: Backstage, rows: list[EventRow]) -> bytes:
    """An iCalendar file of these events."""
    host = urlsplit(stage.facts.public_url).hostname or "headend"
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Headend//EN")
    calendar.add("version", "2.0")
    for row in rows:
        event = icalendar.Event()
        event.add("uid", f"event-{row.id}@{host}")
        event.add("sequence", row.version - 1)
        event.add("dtstamp", row.updated_at)
        event.add("last-modified", row.updated_at)
        event.add("dtstart", row.starts_at)
        event.add("dtend", row.ends_at)
        event.add("summary", row.title)
        if row.description:
            event.add("description", row.description)
        event.add("url", watch_url(stage, row.slug))
        event.add("status", "CANCELLED" if row.reason == "cancelled" else "CONFIRMED")
        calendar.add_component(event)
    text: bytes = calendar.to_ical()
    return text
