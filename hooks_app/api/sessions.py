"""Sessions and the history of states: for those who look after the origin."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from sqlalchemy import or_, select

from headend.model.base import Slug
from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import PAGE, Cursor, Document, Id, Limit, Page, answers, newest_first, page
from hooks_app.api.backstage import Backstage
from hooks_app.problem import NO_STORE
from hooks_app.publisher import IngestProtocol
from hooks_app.roles import Role
from hooks_app.session_view import SessionView
from hooks_app.states import State
from hooks_app.tables import EventRow, SessionRow, TransitionRow
from hooks_app.tokens import Caller


class Session(Document):
    """One on-air period, with who it was."""

    id: int
    """Ascending."""
    slug: str
    """Of its stream."""
    state: State
    """starting, live, interrupted, ended or archived."""
    event_id: int | None
    """Its event."""
    protocol: IngestProtocol
    """By which the publisher came, the last time."""
    key_id: str | None
    """By which key; null for one that was found on air."""
    mode: str | None
    """SRT only: encrypted or signed."""
    peer: str | None
    """The publisher's address."""
    host: str
    """The app host to which it came."""
    codecs: dict[str, str | int | float] | None
    """What it sends: video, profile, width, height, frame_rate, audio, channels, sample_rate_hz."""
    started_at: datetime
    """When it asked."""
    admitted_at: datetime | None
    """When it was let in, the last time; null for an attempt that was not."""
    live_at: datetime | None
    """When it was first playable."""
    ended_at: datetime | None
    """When it was over."""
    publisher_lost_at: datetime | None
    """Since when its publisher has been away; null while it is there, and after the end if it was there to the end."""
    seconds: float
    """How long it has lasted, by the monotonic clock."""
    interruptions: int
    """How often it was not playable any more."""
    peak_viewers: int | None
    """The most viewers that somebody told; null where nobody counted."""
    reason: str | None
    """Why it ended, or why its publisher is away."""


class Change(Document):
    """One change of a state."""

    id: int
    """Ascending in the order of the changes; also the id of the server-sent event."""
    at: datetime
    """When."""
    slug: str
    """Of which stream."""
    subject: str
    """session or event."""
    session_id: int | None
    """Which session."""
    event_id: int | None
    """Which event."""
    before: State
    """From this state."""
    after: State
    """To this one; the same, where a publisher came or went while interrupted."""
    trigger: str
    """What happened."""
    reason: str | None
    """Why."""
    host: str
    """Which app host wrote it."""


def session_routes(stage: Backstage, access: Access) -> APIRouter:
    """/sessions and /transitions."""
    router = APIRouter(prefix=PREFIX, tags=["sessions"])
    viewer = Annotated[Caller, Depends(access.needs(Role.VIEWER))]
    of_stream = Annotated[Slug | None, Query(alias="stream", description="Only of this stream.")]

    @router.get("/sessions", responses=answers(401, 422, 429, 503))
    def list_sessions(
        caller: viewer, response: Response, slug: of_stream = None, limit: Limit = PAGE, cursor: Cursor = None
    ) -> Page[Session]:
        """Sessions, the newest first; attempts that were refused after they were believed included."""
        query = newest_first(select(SessionRow), SessionRow.id, {SessionRow.slug: slug}, limit, cursor)
        if caller.owner is not None:
            query = query.where(SessionRow.owner == caller.owner)
        with stage.database.read() as db:
            views = [SessionView.of(row) for row in db.scalars(query)]
        response.headers.update(NO_STORE)
        return page(views, limit, lambda view: view.id, _session)

    @router.get("/sessions/{session_id}", responses=answers(401, 404, 422, 429, 503))
    def get_session(session_id: Id, caller: viewer, response: Response) -> Session:
        """One session."""
        query = select(SessionRow).where(SessionRow.id == min(session_id, 2**31 - 1))
        if caller.owner is not None:
            query = query.where(SessionRow.owner == caller.owner)
        with stage.database.read() as db:
            row = db.scalars(query).one_or_none()
            if row is None:
                raise HTTPException(404, "There is no such session.")
            view = SessionView.of(row)
        response.headers.update(NO_STORE)
        return _session(view)

    @router.get("/transitions", responses=answers(401, 422, 429, 503))
    def list_transitions(
        caller: viewer, response: Response, slug: of_stream = None, limit: Limit = PAGE, cursor: Cursor = None
    ) -> Page[Change]:
        """Every change of a state, the newest first."""
        query = newest_first(select(TransitionRow), TransitionRow.id, {TransitionRow.slug: slug}, limit, cursor)
        if caller.owner is not None:
            # Whose it was then: the stream may be another one's by now.
            sessions = select(SessionRow.id).where(SessionRow.owner == caller.owner)
            events = select(EventRow.id).where(EventRow.owner == caller.owner)
            query = query.where(or_(TransitionRow.session_id.in_(sessions), TransitionRow.event_id.in_(events)))
        with stage.database.read() as db:
            rows = list(db.scalars(query))
        response.headers.update(NO_STORE)
        return page(rows, limit, lambda row: row.id, lambda row: Change.model_validate(row, from_attributes=True))

    def _session(view: SessionView) -> Session:
        who = view.publisher
        return Session(
            id=view.id,
            slug=view.slug,
            state=view.state,
            event_id=view.event_id,
            protocol=who.protocol,
            key_id=who.key_id,
            mode=who.mode,
            peer=who.peer,
            host=view.host,
            codecs=view.codecs,
            started_at=view.started_at,
            admitted_at=view.admitted_at,
            live_at=view.live_at,
            ended_at=view.ended_at,
            publisher_lost_at=view.publisher_lost_at,
            seconds=round(stage.ledger.seconds(view), 3),
            interruptions=view.interruptions,
            peak_viewers=view.peak_viewers,
            reason=view.reason,
        )

    return router
