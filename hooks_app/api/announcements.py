"""Announcements: what was told, what is on its way, and the switches."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from headend.announcing.occasion import Occasion
from headend.model.base import Slug
from hooks_app.announcement_tables import AnnouncerRow, MessageRow, PlaceRow
from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import PAGE, Body, Cursor, Document, Id, Limit, Page, answers, newest_first, page
from hooks_app.api.backstage import Backstage
from hooks_app.api.lookups import found
from hooks_app.audit import note
from hooks_app.problem import NO_STORE
from hooks_app.roles import Role
from hooks_app.tables import DestinationRow, EventRow
from hooks_app.tokens import Caller

MessageState = Literal["queued", "leased", "sent", "uncertain", "dead", "dropped", "merged", "dry_run"]
REPLAYED_VALID = timedelta(hours=1)
LONGEST_MUTE_MINUTES = 43_200


class Message(Document):
    """An announcement at one place."""

    id: int
    """Ascending."""
    destination: str
    """Where."""
    part: str
    """post; for Discord with a bot also calendar and stage."""
    slug: str
    """Of its stream."""
    owner: str
    """Whose it is."""
    event_id: int | None
    """Its event."""
    session_id: int | None
    """Its session."""
    occasion: Occasion
    """Why it is told."""
    title: str
    """Of the broadcast, as it was then."""
    minutes: int | None
    """Countdown only: before the start."""
    state: MessageState
    """queued, leased (on its way), sent, uncertain (it may have arrived), dead, dropped, merged or dry_run."""
    made_at: datetime
    """When it was to be told."""
    due_at: datetime
    """When it is tried next."""
    not_after: datetime
    """Later it is not told."""
    attempts: int
    """How often it was tried."""
    attempted_at: datetime | None
    """The last time."""
    finished_at: datetime | None
    """When it was sent, or given up."""
    repeated: bool
    """It may have arrived twice: the outcome of an attempt before the last one is not known."""
    status: int | None
    """HTTP or SMTP status of the last attempt."""
    reason: str | None
    """Why it was not sent, or not yet."""


class Place(Document):
    """What is known of a destination of the spec."""

    name: str
    """As the spec has it."""
    kind: str
    """discord, webhook, email or apprise."""
    owner: str
    """Whose it is."""
    queued: int
    """Messages that are not finished."""
    dead: int
    """Messages that were given up; their reasons are in their list."""
    broken_at: datetime | None
    """Since when nothing is tried there: it said that nothing will get in as it is declared."""
    broken_reason: str | None
    """What it said."""
    hold_until: datetime | None
    """Until when it wants to be left alone."""
    muted_until: datetime | None
    """Until when nothing is told there, because somebody wants it so."""


class Announcer(Document):
    """The announcer as a whole."""

    on: bool
    """The kill switch: while it is off nothing goes out, anywhere."""
    mode: Literal["live", "dry_run", "off", "absent"]
    """As the spec says; absent where it names no destination."""
    switched_at: datetime | None
    """When the switch was used last."""
    turned_at: datetime | None
    """When the announcer's process last looked."""
    places: list[Place]
    """By name; those that the caller may see."""


class Switch(Body):
    """The kill switch."""

    on: bool
    """Whether anything goes out."""


class Mute(Body):
    """For how long."""

    minutes: int = Field(ge=0, le=LONGEST_MUTE_MINUTES)
    """From now on; 0: no longer."""


def announcement_routes(stage: Backstage, access: Access) -> APIRouter:
    """/announcements."""
    router = APIRouter(prefix=PREFIX, tags=["announcements"])
    viewer = Annotated[Caller, Depends(access.needs(Role.VIEWER))]
    operator = Annotated[Caller, Depends(access.needs(Role.OPERATOR))]
    admin = Annotated[Caller, Depends(access.needs(Role.ADMIN))]

    @router.get("/announcements", responses=answers(401, 429, 503))
    def get_announcer(caller: viewer, response: Response) -> Announcer:
        """The switch, and every destination."""
        with stage.database.read() as db:
            document = _announcer(db, stage, caller)
        response.headers.update(NO_STORE)
        return document

    @router.put("/announcements/switch", responses=answers(401, 403, 413, 422, 429, 503))
    def put_switch(switch: Switch, caller: admin, response: Response) -> Announcer:
        """Stop everything that goes out, or let it go on. What waits is kept, and dropped when it is too late."""
        if caller.owner is not None:
            raise HTTPException(403, "The switch is everybody's; this token is of one owner.")
        now = stage.here.clock.now()
        with stage.database.write() as db:
            row = db.get(AnnouncerRow, 1) or AnnouncerRow(id=1)
            row.on, row.switched_at, row.switched_by = switch.on, now, caller.actor
            db.add(row)
            note(db, actor=caller.actor, action="announcements.switch", target=switch.on, owner=None, now=now)
            document = _announcer(db, stage, caller)
        response.headers.update(NO_STORE)
        return document

    @router.get("/announcements/messages", responses=answers(401, 422, 429, 503))
    def list_messages(
        caller: viewer,
        response: Response,
        state: Annotated[MessageState | None, Query(description="Only in this state.")] = None,
        destination: Annotated[Slug | None, Query(description="Only there.")] = None,
        slug: Annotated[Slug | None, Query(alias="stream", description="Only of this stream.")] = None,
        event: Annotated[int | None, Query(ge=1, lt=2**31, description="Only of this event.")] = None,
        limit: Limit = PAGE,
        cursor: Cursor = None,
    ) -> Page[Message]:
        """Messages, the newest first: the queue (state=queued) and the history."""
        wanted = {
            MessageRow.owner: caller.owner,
            MessageRow.state: state,
            MessageRow.destination: destination,
            MessageRow.slug: slug,
            MessageRow.event_id: event,
        }
        query = newest_first(select(MessageRow), MessageRow.id, wanted, limit, cursor)
        with stage.database.read() as db:
            rows = list(db.scalars(query))
        response.headers.update(NO_STORE)
        return page(rows, limit, lambda row: row.id, message_view)

    @router.get("/events/{event_id}/announcements", responses=answers(401, 404, 422, 429, 503))
    def list_of_event(event_id: Id, caller: viewer, response: Response) -> Page[Message]:
        """What was told of an event, where and when, the oldest first."""
        with stage.database.read() as db:
            found(db, EventRow, min(event_id, 2**31 - 1), caller, "event")
            query = select(MessageRow).where(MessageRow.event_id == event_id).order_by(MessageRow.id).limit(1000)
            rows = list(db.scalars(query))
        response.headers.update(NO_STORE)
        return Page(items=[message_view(row) for row in rows], next=None)

    @router.post("/announcements/messages/{message_id}/replay", responses=answers(401, 403, 404, 409, 422, 429, 503))
    def replay(message_id: Id, caller: operator, response: Response) -> Message:
        """Send a message that is finished once more. One that is not true any more is dropped again."""
        now = stage.here.clock.now()
        with stage.database.write() as db:
            row = found(db, MessageRow, min(message_id, 2**31 - 1), caller, "message")
            if row.state in {"queued", "leased", "merged"}:
                raise HTTPException(409, f"The message is {row.state}: it is not to be sent by itself.")
            row.repeated = row.repeated or row.state in {"sent", "uncertain"}
            row.state, row.attempts, row.due_at, row.held, row.finished_at = "queued", 0, now, False, None
            row.not_after, row.reason, row.status = now + REPLAYED_VALID, None, None
            note(db, actor=caller.actor, action="message.replay", target=row.id, owner=row.owner, now=now)
            document = message_view(row)
        response.headers.update(NO_STORE)
        return document

    @router.post("/announcements/places/{name}/mute", responses=answers(401, 403, 404, 413, 422, 429, 503))
    def mute(name: Slug, mute: Mute, caller: operator, response: Response) -> Place:
        """Tell nothing there for a while. What comes meanwhile is not told there later either."""
        now = stage.here.clock.now()
        until = now + timedelta(minutes=mute.minutes) if mute.minutes else None
        with stage.database.write() as db:
            declared = found(db, DestinationRow, name, caller, "destination")
            row = db.get(PlaceRow, name) or PlaceRow(name=name)
            row.muted_until = until
            db.add(row)
            note(
                db,
                actor=caller.actor,
                action="place.mute",
                target=name,
                owner=declared.owner,
                now=now,
                minutes=mute.minutes,
            )
            document = _place(db, declared, row)
        response.headers.update(NO_STORE)
        return document

    @router.post("/announcements/places/{name}/mend", responses=answers(401, 403, 404, 422, 429, 503))
    def mend(name: Slug, caller: operator, response: Response) -> Place:
        """Try again at a place that was broken, or that wants to be left alone."""
        now = stage.here.clock.now()
        with stage.database.write() as db:
            declared = found(db, DestinationRow, name, caller, "destination")
            row = db.get(PlaceRow, name) or PlaceRow(name=name)
            row.broken_at = row.broken_reason = row.hold_until = None
            db.add(row)
            note(db, actor=caller.actor, action="place.mend", target=name, owner=declared.owner, now=now)
            document = _place(db, declared, row)
        response.headers.update(NO_STORE)
        return document

    return router


def message_view(row: MessageRow) -> Message:
    """A message as a document; its receipt and its words stay where they are."""
    columns = (name for name in Message.model_fields if name not in {"title", "minutes"})
    known = {name: getattr(row, name) for name in columns}
    return Message.model_validate({**known, "title": row.story.get("title", ""), "minutes": row.story.get("minutes")})


def _announcer(db: Session, stage: Backstage, caller: Caller) -> Announcer:
    row = db.get(AnnouncerRow, 1)
    declared = select(DestinationRow).where(DestinationRow.declared).order_by(DestinationRow.name)
    rows = [one for one in db.scalars(declared) if caller.may_see(one.owner)]
    facts = stage.facts.announcements
    return Announcer(
        on=row.on if row is not None else True,
        mode=facts.settings.mode if facts is not None else "absent",
        switched_at=row.switched_at if row is not None else None,
        turned_at=row.turned_at if row is not None else None,
        places=[_place(db, one, db.get(PlaceRow, one.name)) for one in rows],
    )


def _place(db: Session, declared: DestinationRow, row: PlaceRow | None) -> Place:
    counted = (
        select(MessageRow.state, func.count())
        .where(MessageRow.destination == declared.name, MessageRow.state.in_(["queued", "leased", "dead"]))
        .group_by(MessageRow.state)
    )
    counts = {str(row[0]): int(row[1]) for row in db.execute(counted)}
    return Place(
        name=declared.name,
        kind=declared.kind,
        owner=declared.owner,
        queued=counts.get("queued", 0) + counts.get("leased", 0),
        dead=counts.get("dead", 0),
        broken_at=row.broken_at if row else None,
        broken_reason=row.broken_reason if row else None,
        hold_until=row.hold_until if row else None,
        muted_until=row.muted_until if row else None,
    )
