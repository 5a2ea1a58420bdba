"""Events: read by everybody, planned by those who may."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import Field
from sqlalchemy import select

from headend.model.base import Slug
from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import (
    PAGE,
    Body,
    Cursor,
    Id,
    Limit,
    Moment,
    Page,
    answers,
    check_version,
    decode_cursor,
    page,
    state,
    versioned,
)
from hooks_app.api.backstage import Backstage
from hooks_app.api.documents import PublicEvent
from hooks_app.api.lookups import found, stream_of
from hooks_app.api.views import announced, event_view, with_replays
from hooks_app.audit import note
from hooks_app.events import Broadcast, PlanError
from hooks_app.replays import playable
from hooks_app.roles import Role
from hooks_app.states import OVER_STATES, State
from hooks_app.tables import EventRow
from hooks_app.tokens import Caller

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Countdown = Annotated[list[Annotated[int, Field(ge=1, le=10_080)]], Field(max_length=10)]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[!-~]{1,490}$")]

NULLABLE = frozenset({"poster_url", "rrule", "countdown_minutes", "recap_url"})


class Shown(Body):
    """What an event and a schedule have in common."""

    title: str = Field(min_length=1, max_length=120)
    """What viewers read."""
    description: str = Field(default="", max_length=4000)
    """More of it."""
    poster_url: HttpUrl | None = None
    """A picture of its own."""
    overlays: dict[Name, Annotated[str, Field(max_length=280)]] = Field(default_factory=dict, max_length=20)
    """Texts for the picture, by name."""
    destinations: dict[Slug, bool] = Field(default_factory=dict, max_length=50)
    """Switches by the destination's name."""
    countdown_minutes: Countdown | None = None
    """How long before the start it is told; null: as the spec says."""

    def broadcast(self) -> Broadcast:
        """As the planner takes it."""
        return Broadcast(
            title=self.title,
            description=self.description,
            poster_url=self.poster_url,
            overlays=self.overlays,
            destinations=self.destinations,
            countdown_minutes=self.countdown_minutes,
        )


class NewEvent(Shown):
    """A planned broadcast."""

    slug: Slug
    """Of its stream."""
    starts_at: Moment
    """RFC 3339 with an offset."""
    ends_at: Moment
    """Likewise, later."""


class EventChanges(Body):
    """What is to be changed; what is not named stays."""

    title: str | None = Field(default=None, min_length=1, max_length=120)
    """What viewers read."""
    description: str | None = Field(default=None, max_length=4000)
    """More of it."""
    poster_url: HttpUrl | None = None
    """A picture of its own; null takes it away."""
    overlays: dict[Name, Annotated[str, Field(max_length=280)]] | None = Field(default=None, max_length=20)
    """All texts, by name."""
    destinations: dict[Slug, bool] | None = Field(default=None, max_length=50)
    """All switches."""
    countdown_minutes: Countdown | None = None
    """How long before the start it is told; null: as the spec says."""
    recap_url: HttpUrl | None = None
    """Where what was is to be seen; null takes it away."""
    starts_at: Moment | None = None
    """RFC 3339 with an offset."""
    ends_at: Moment | None = None
    """Likewise, later."""


def named(changes: Body) -> dict[str, Any]:
    """What a request names. Only what may be absent can be taken away by null."""
    given = changes.model_dump(exclude_unset=True)
    if wrong := [name for name, value in given.items() if value is None and name not in NULLABLE]:
        raise HTTPException(422, f"{wrong[0]}: may be left out, but not be null.")
    return given


def event_routes(stage: Backstage, access: Access) -> APIRouter:
    """/events."""
    router = APIRouter(prefix=PREFIX, tags=["events"])
    public = Annotated[Caller | None, Depends(access.public())]
    scheduler = Annotated[Caller, Depends(access.needs(Role.SCHEDULER))]

    @router.get("/events", response_model=Page[PublicEvent], responses={304: {}, **answers(401, 422, 429, 503)})
    def list_events(
        request: Request,
        caller: public,
        stream: Annotated[Slug | None, Query(description="Only of this stream.")] = None,
        state_is: Annotated[State | None, Query(alias="state", description="Only in this state.")] = None,
        starts_after: Annotated[Moment | None, Query(description="Only what starts then or later.")] = None,
        starts_before: Annotated[Moment | None, Query(description="Only what starts earlier.")] = None,
        limit: Limit = PAGE,
        cursor: Cursor = None,
    ) -> Response:
        """Events, the one that was planned last first."""
        query = select(EventRow).order_by(EventRow.id.desc()).limit(limit + 1)
        if stream is not None:
            query = query.where(EventRow.slug == stream)
        if state_is is not None:
            query = query.where(EventRow.state == state_is)
        if starts_after is not None:
            query = query.where(EventRow.starts_at >= starts_after)
        if starts_before is not None:
            query = query.where(EventRow.starts_at < starts_before)
        if (before := decode_cursor(cursor)) is not None:
            query = query.where(EventRow.id < before)
        with stage.database.read() as db:
            rows = list(db.scalars(query))
        return state(request, page(rows, limit, lambda row: row.id, lambda row: event_view(stage, row, caller)))

    @router.get("/events/{event_id}", responses=answers(401, 404, 422, 429, 503))
    def get_event(event_id: Id, caller: public, response: Response) -> PublicEvent:
        """One event."""
        with stage.database.read() as db:
            row = db.get(EventRow, event_id) if event_id < 2**31 else None
            if row is None:
                raise HTTPException(404, "There is no such event.")
            told = announced(db, row) if caller is not None and caller.may_see(row.owner) else None
            replays = playable(db, stage.facts, [row.id], stage.here.clock.now()).get(row.id, [])
        versioned(response, row.version)
        return with_replays(event_view(stage, row, caller), replays).model_copy(update={"announced": told})

    @router.post("/events", status_code=201, responses=answers(401, 403, 404, 409, 413, 422, 429, 503))
    def add_event(new: NewEvent, caller: scheduler, response: Response) -> PublicEvent:
        """Plan a broadcast."""
        stream = stream_of(stage, new.slug, caller)
        with stage.database.write() as db:
            try:
                row = stage.events.add(
                    db,
                    slug=new.slug,
                    owner=stream.owner,
                    broadcast=new.broadcast(),
                    starts_at=new.starts_at,
                    ends_at=new.ends_at,
                )
            except PlanError as error:
                raise HTTPException(409, str(error)) from None
            _note(db, caller, "event.add", row)
            document = event_view(stage, row, caller)
        versioned(response, row.version)
        return document

    @router.patch("/events/{event_id}", responses=answers(401, 403, 404, 409, 412, 413, 422, 428, 429, 503))
    def change_event(
        event_id: Id, changes: EventChanges, request: Request, caller: scheduler, response: Response
    ) -> PublicEvent:
        """Change an event. With If-Match: the ETag of the answer by which it was read."""
        given = named(changes)
        with stage.database.write() as db:
            row = _row(db, event_id, caller)
            check_version(request, row.version)
            try:
                stage.events.change(db, row, given)
            except PlanError as error:
                raise HTTPException(409, str(error)) from None
            _note(db, caller, "event.change", row, fields=sorted(given))
            document = event_view(stage, row, caller)
        versioned(response, row.version)
        return document

    @router.post("/events/{event_id}/cancel", responses=answers(401, 403, 404, 409, 422, 429, 503))
    def cancel_event(event_id: Id, caller: scheduler, response: Response) -> PublicEvent:
        """A planned event will not be. A second time changes nothing."""
        with stage.database.write() as db:
            row = _row(db, event_id, caller)
            if not stage.events.cancel(db, row) and row.reason != "cancelled":
                raise HTTPException(409, f"The event is {row.state}: only a scheduled one can be cancelled.")
            _note(db, caller, "event.cancel", row)
            document = event_view(stage, row, caller)
        versioned(response, row.version)
        return document

    @router.delete(
        "/events/{event_id}", status_code=204, responses=answers(401, 403, 404, 409, 412, 422, 428, 429, 503)
    )
    def remove_event(event_id: Id, request: Request, caller: scheduler) -> None:
        """Remove an event that was cancelled or missed and never had a session; cancel it first. With If-Match."""
        with stage.database.write() as db:
            row = _row(db, event_id, caller)
            check_version(request, row.version)
            if State(row.state) not in OVER_STATES or row.reason not in {"cancelled", "missed"}:
                raise HTTPException(409, f"The event is {row.state}: only a cancelled or missed one can be removed.")
            if row.occurrence is not None:
                raise HTTPException(409, "A schedule made the event and would make it again: it stays, cancelled.")
            _note(db, caller, "event.remove", row)
            stage.keys.forget_event(db, row.id)
            db.delete(row)

    def _row(db: Any, event_id: int, caller: Caller) -> EventRow:
        return found(db, EventRow, event_id if event_id < 2**31 else 0, caller, "event")

    def _note(db: Any, caller: Caller, action: str, row: EventRow, **detail: Any) -> None:
        now: datetime = stage.here.clock.now()
        note(db, actor=caller.actor, action=action, target=row.id, owner=row.owner, now=now, **detail)

    return router
