"""Schedules: for those who plan."""

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
    Document,
    Id,
    Limit,
    Page,
    answers,
    check_version,
    decode_cursor,
    page,
    versioned,
)
from hooks_app.api.backstage import Backstage
from hooks_app.api.events import Countdown, HttpUrl, Name, Shown, named
from hooks_app.api.lookups import found, stream_of
from hooks_app.audit import note
from hooks_app.events import PlanError
from hooks_app.problem import NO_STORE
from hooks_app.recurrence import RULE_LENGTH, ScheduleError
from hooks_app.roles import Role
from hooks_app.schedules import LONGEST_SECONDS
from hooks_app.tables import ScheduleRow
from hooks_app.tokens import Caller

Local = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$", max_length=19)]
Rule = Annotated[str, Field(min_length=1, max_length=RULE_LENGTH)]
Seconds = Annotated[int, Field(ge=60, le=LONGEST_SECONDS)]


class NewSchedule(Shown):
    """When a stream is to be on air."""

    slug: Slug
    """Of its stream."""
    starts_local: Local
    """First start as people of the zone read it: 2026-12-01T20:00:00."""
    time_zone: str = Field(max_length=64)
    """IANA name: Europe/Berlin."""
    duration_seconds: Seconds
    """Length of each event's window."""
    rrule: Rule | None = None
    """RFC 5545 section 3.3.10: FREQ=WEEKLY;BYDAY=TU,TH. null: once."""


class ScheduleChanges(Body):
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
    """How long before each start it is told; null: as the spec says."""
    starts_local: Local | None = None
    """First start."""
    time_zone: str | None = Field(default=None, max_length=64)
    """IANA name."""
    duration_seconds: Seconds | None = None
    """Length of each event's window."""
    rrule: Rule | None = None
    """A rule; null: once."""


class Schedule(Document):
    """When a stream is to be on air."""

    id: int
    """Ascending."""
    slug: str
    """Of its stream."""
    owner: str
    """Whose it is."""
    title: str
    """What viewers read."""
    description: str
    """More of it."""
    poster_url: str | None
    """A picture of its own."""
    overlays: dict[str, str]
    """Texts for the picture, by name."""
    destinations: dict[str, bool]
    """Switches by the destination's name."""
    countdown_minutes: list[int] | None
    """How long before each start it is told; null: as the spec says."""
    starts_local: str
    """First start, local time."""
    time_zone: str
    """IANA name."""
    duration_seconds: int
    """Length of each event's window."""
    rrule: str | None
    """Rule; null: once."""
    exceptions: list[str]
    """Starts that are left out, local times."""
    cancelled_at: datetime | None
    """Since when no more events are made."""
    created_at: datetime
    """When it was made."""
    version: int
    """Counts every change; also its ETag."""


def schedule_routes(stage: Backstage, access: Access) -> APIRouter:
    """/schedules."""
    router = APIRouter(prefix=PREFIX, tags=["schedules"])
    viewer = Annotated[Caller, Depends(access.needs(Role.VIEWER))]
    scheduler = Annotated[Caller, Depends(access.needs(Role.SCHEDULER))]

    @router.get("/schedules", responses=answers(401, 422, 429, 503))
    def list_schedules(
        caller: viewer,
        response: Response,
        stream: Annotated[Slug | None, Query(description="Only of this stream.")] = None,
        limit: Limit = PAGE,
        cursor: Cursor = None,
    ) -> Page[Schedule]:
        """Schedules, the newest first."""
        query = select(ScheduleRow).order_by(ScheduleRow.id.desc()).limit(limit + 1)
        if caller.owner is not None:
            query = query.where(ScheduleRow.owner == caller.owner)
        if stream is not None:
            query = query.where(ScheduleRow.slug == stream)
        if (before := decode_cursor(cursor)) is not None:
            query = query.where(ScheduleRow.id < before)
        with stage.database.read() as db:
            rows = list(db.scalars(query))
        response.headers.update(NO_STORE)
        return page(rows, limit, lambda row: row.id, _view)

    @router.get("/schedules/{schedule_id}", responses=answers(401, 404, 422, 429, 503))
    def get_schedule(schedule_id: Id, caller: viewer, response: Response) -> Schedule:
        """One schedule."""
        with stage.database.read() as db:
            row = _row(db, schedule_id, caller)
        versioned(response, row.version)
        return _view(row)

    @router.post("/schedules", status_code=201, responses=answers(401, 403, 404, 409, 413, 422, 429, 503))
    def add_schedule(new: NewSchedule, caller: scheduler, response: Response) -> Schedule:
        """Make a schedule, and the events of its next two weeks."""
        stream = stream_of(stage, new.slug, caller)
        when = new.model_dump(include={"starts_local", "time_zone", "duration_seconds", "rrule"})
        with stage.database.write() as db:
            try:
                row = stage.schedules.add(db, slug=new.slug, owner=stream.owner, broadcast=new.broadcast(), **when)
            except (PlanError, ScheduleError) as error:
                raise _problem(error) from None
            _note(db, caller, "schedule.add", row)
            document = _view(row)
        versioned(response, document.version)
        return document

    @router.patch("/schedules/{schedule_id}", responses=answers(401, 403, 404, 409, 412, 413, 422, 428, 429, 503))
    def change_schedule(
        schedule_id: Id, changes: ScheduleChanges, request: Request, caller: scheduler, response: Response
    ) -> Schedule:
        """Change a schedule, and every event of it that nobody touched: an event of the same day stays that event.

        What the schedule does not want any more is cancelled. With If-Match.
        """
        return _changed(schedule_id, named(changes), request, caller, response)

    @router.put(
        "/schedules/{schedule_id}/exceptions/{start}",
        responses=answers(401, 403, 404, 409, 412, 422, 428, 429, 503),
    )
    def add_exception(
        schedule_id: Id, start: Local, request: Request, caller: scheduler, response: Response
    ) -> Schedule:
        """Leave out one start: its event is cancelled, also if it was edited by hand. With If-Match."""
        return _changed(schedule_id, start, request, caller, response)

    @router.delete(
        "/schedules/{schedule_id}/exceptions/{start}",
        responses=answers(401, 403, 404, 409, 412, 422, 428, 429, 503),
    )
    def remove_exception(
        schedule_id: Id, start: Local, request: Request, caller: scheduler, response: Response
    ) -> Schedule:
        """Leave that start out no more. With If-Match."""
        return _changed(schedule_id, [start], request, caller, response)

    @router.post("/schedules/{schedule_id}/cancel", responses=answers(401, 403, 404, 422, 429, 503))
    def cancel_schedule(schedule_id: Id, caller: scheduler, response: Response) -> Schedule:
        """There will be no more events; those that are planned are cancelled."""
        with stage.database.write() as db:
            row = _row(db, schedule_id, caller)
            if row.cancelled_at is None:
                stage.schedules.cancel(db, row)
                _note(db, caller, "schedule.cancel", row)
            document = _view(row)
        versioned(response, document.version)
        return document

    def _changed(
        schedule_id: int, what: dict[str, Any] | str | list[str], request: Request, caller: Caller, response: Response
    ) -> Schedule:
        with stage.database.write() as db:
            row = _row(db, schedule_id, caller)
            check_version(request, row.version)
            if row.cancelled_at is not None:
                raise HTTPException(409, "The schedule is cancelled.")
            if isinstance(what, str):
                what = {"exceptions": sorted({*row.exceptions, what})}
            elif isinstance(what, list):
                what = {"exceptions": [start for start in row.exceptions if start not in what]}
            try:
                stage.schedules.change(db, row, what)
            except (PlanError, ScheduleError) as error:
                raise _problem(error) from None
            _note(db, caller, "schedule.change", row, fields=sorted(what))
            document = _view(row)
        versioned(response, document.version)
        return document

    def _row(db: Any, schedule_id: int, caller: Caller) -> ScheduleRow:
        return found(db, ScheduleRow, schedule_id if schedule_id < 2**31 else 0, caller, "schedule")

    def _note(db: Any, caller: Caller, action: str, row: ScheduleRow, **detail: Any) -> None:
        now = stage.here.clock.now()
        note(db, actor=caller.actor, action=action, target=row.id, owner=row.owner, now=now, **detail)

    return router


def _problem(error: PlanError | ScheduleError) -> HTTPException:
    return HTTPException(422 if isinstance(error, ScheduleError) else 409, str(error))


def _view(row: ScheduleRow) -> Schedule:
    return Schedule.model_validate(row, from_attributes=True)
