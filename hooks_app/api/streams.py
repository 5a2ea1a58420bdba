"""Streams: what is on air for everybody; made, ended and asked about by those who may."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from headend.model.base import Slug
from hooks_app import handover
from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import Body, Document, answers, state
from hooks_app.api.backstage import Backstage
from hooks_app.api.documents import Live, Stream, Streams
from hooks_app.api.lookups import stream_of
from hooks_app.api.views import live_view, stream_views
from hooks_app.audit import note
from hooks_app.problem import NO_STORE
from hooks_app.roles import Role
from hooks_app.tables import OwnerRow, SessionRow, StreamRow
from hooks_app.tokens import Caller


class NewStream(Body):
    """A stream that is made at run time, on a ladder of the spec."""

    slug: Slug
    """Its public name."""
    title: str = Field(min_length=1, max_length=120)
    """What viewers read."""
    ladder: str = Field(default="default", max_length=40)
    """Name of a ladder of the spec."""
    owner: Slug = "site"
    """Whose it is."""


class Encoder(Document):
    """How a stream's encoder gets on."""

    fps: float | None
    """Frames encoded a second, of one rendition, over the last half minute; null in the first seconds."""
    speed: float | None
    """Media seconds a second over the last half minute; 1 keeps up. Null in the first seconds."""
    publisher_kbps: float | None
    """What the publisher sends, in 1000 bits a second over the last ten seconds; null where there is none."""
    dropped_frames: int
    """Since this run of the encoder began."""
    duplicated_frames: int
    """Likewise."""
    age_seconds: float
    """Since it said so."""


class Viewers(Body):
    """A count."""

    viewers: int = Field(ge=0, le=1_000_000_000)
    """Who watch at this moment."""


class Peak(Document):
    """What is known of a session's audience."""

    peak_viewers: int
    """The most that were told."""


class Kick(Body):
    """The end of what is on air."""

    reason: str = Field(default="", max_length=60)
    """For the session's record."""


class Kicked(Document):
    """What a kick did."""

    kicked: bool
    """False where nothing was on air."""


class Heartbeat(Body):
    """What an encoder's keeper believes."""

    status: Literal["starting", "live", "offline"]
    """A hint: the origin looks at once, and answers with what is true."""


def stream_routes(stage: Backstage, access: Access) -> APIRouter:
    """/streams and /live."""
    router = APIRouter(prefix=PREFIX, tags=["streams"])
    public = Annotated[Caller | None, Depends(access.public())]
    viewer = Annotated[Caller, Depends(access.needs(Role.VIEWER))]
    operator = Annotated[Caller, Depends(access.needs(Role.OPERATOR))]
    admin = Annotated[Caller, Depends(access.needs(Role.ADMIN))]

    def known() -> None:
        if not stage.state_is_known():
            raise HTTPException(503, "What is on air is not known: the journal of headend-hooks says why.")

    of_now = [Depends(known)]

    @router.get("/live", response_model=Live, responses={304: {}, **answers(401, 429, 503)}, dependencies=of_now)
    def get_live(request: Request, caller: public) -> Response:
        """What is on air now, with the addresses that an alert appends."""
        return state(request, live_view(stage))

    @router.get("/streams", response_model=Streams, responses={304: {}, **answers(401, 429, 503)}, dependencies=of_now)
    def list_streams(request: Request, caller: public) -> Response:
        """Every stream, in the order of the spec."""
        return state(request, Streams(streams=stream_views(stage, list(stage.streams.values()), caller)))

    @router.get(
        "/streams/{slug}",
        response_model=Stream,
        responses={304: {}, **answers(401, 404, 429, 503)},
        dependencies=of_now,
    )
    def get_stream(slug: str, request: Request, caller: public) -> Response:
        """One stream."""
        return state(request, stream_views(stage, [stream_of(stage, slug)], caller)[0])

    @router.post("/streams", status_code=201, responses=answers(401, 403, 404, 409, 413, 422, 429, 503))
    def add_stream(new: NewStream, caller: admin, response: Response) -> Stream:
        """Make a stream at run time. One that the spec declares cannot be made, nor removed, here."""
        if new.ladder not in {ladder.name for ladder in stage.facts.ladders}:
            raise HTTPException(422, f"ladder: there is no ladder {new.ladder!r} in the spec.")
        now = stage.here.clock.now()
        with stage.database.write() as db:
            if db.get(OwnerRow, new.owner) is None or not caller.may_see(new.owner):
                raise HTTPException(404, "There is no such owner.")
            row = db.get(StreamRow, new.slug)
            if row is not None and (row.declared or row.removed_at is None or not caller.may_see(row.owner)):
                raise HTTPException(409, "There is or was a stream of that name.")
            if row is None:
                row = StreamRow(slug=new.slug, owner=new.owner, created_at=now)
            else:
                # Nothing of the one before comes back with the name.
                handover.release(db, row, stage.here.stamp(), actor=caller.actor, reason=handover.REMOVED)
            row.title, row.ladder, row.owner = new.title, new.ladder, new.owner
            row.declared, row.removed_at = False, None
            db.add(row)
            note(db, actor=caller.actor, action="stream.add", target=new.slug, owner=new.owner, now=now)
        stage.streams_changed()
        response.headers.update(NO_STORE)
        return stream_views(stage, [stage.streams[new.slug]], caller)[0]

    @router.delete("/streams/{slug}", status_code=204, responses=answers(401, 403, 404, 409, 429, 503))
    def remove_stream(slug: str, caller: admin) -> None:
        """Remove a stream that was made at run time and is off air. Its history stays.

        Its keys are revoked, its schedules and planned events cancelled: they do not come back with the name.
        """
        stream = stream_of(stage, slug, caller)
        stamp = stage.here.stamp()
        on_air = select(SessionRow.id).where(SessionRow.slug == slug, SessionRow.ended_at.is_(None))
        with stage.database.write() as db:
            row = db.get(StreamRow, slug)
            if row is None or row.declared:
                raise HTTPException(409, "The spec declares this stream: take it out there and deploy.")
            if db.scalar(on_air) is not None:
                raise HTTPException(409, "The stream is on air.")
            handover.release(db, row, stamp, actor=caller.actor, reason=handover.REMOVED)
            row.removed_at = stamp.at
            note(db, actor=caller.actor, action="stream.remove", target=slug, owner=stream.owner, now=stamp.at)
        stage.streams_changed()
        stage.keys_changed()

    @router.get("/streams/{slug}/encoder", responses=answers(401, 404, 429, 503))
    def get_encoder(slug: str, caller: viewer, response: Response) -> Encoder:
        """How the stream's encoder gets on; 404 also while it encodes nothing."""
        stream_of(stage, slug, caller)
        said = stage.progress.of(slug)
        if said is None:
            raise HTTPException(404, "The encoder of this stream encodes nothing.")
        response.headers.update(NO_STORE)
        rate = stage.bit_rates.of(slug)
        return Encoder(
            fps=said.fps,
            speed=said.speed,
            publisher_kbps=rate / 1000 if rate is not None else None,
            dropped_frames=said.dropped_frames,
            duplicated_frames=said.duplicated_frames,
            age_seconds=said.age_seconds,
        )

    @router.post("/streams/{slug}/kick", responses=answers(401, 403, 404, 413, 422, 429, 503))
    def kick(slug: str, body: Kick, caller: operator, response: Response) -> Kicked:
        """End what is on air, without a reconnect grace. Nobody is let in for half a minute."""
        stream = stream_of(stage, slug, caller)

        def note_kick(db: Session, kicked: bool) -> None:
            detail = {"kicked": kicked, "reason": body.reason}
            now = stage.here.clock.now()
            note(db, actor=caller.actor, action="stream.kick", target=slug, owner=stream.owner, now=now, **detail)

        kicked = stage.enforcer.kick(slug, body.reason, note_kick)
        stage.hint()
        response.headers.update(NO_STORE)
        return Kicked(kicked=kicked)

    @router.post("/streams/{slug}/heartbeat", responses=answers(401, 403, 404, 413, 422, 429, 503))
    def heartbeat(slug: str, body: Heartbeat, caller: operator, response: Response) -> Stream:
        """Something may have changed: look at once. The answer is what is true, whatever the hint was."""
        stream = stream_of(stage, slug, caller)
        stage.hint()
        response.headers.update(NO_STORE)
        return stream_views(stage, [stream], caller)[0]

    @router.post("/streams/{slug}/viewers", responses=answers(401, 403, 404, 409, 413, 422, 429, 503))
    def count_viewers(slug: str, body: Viewers, caller: operator, response: Response) -> Peak:
        """Tell how many watch now, by whoever counts them: a CDN, the site. The most of a session is in its recap."""
        stream_of(stage, slug, caller)
        peak = stage.ledger.note_viewers(slug, body.viewers)
        if peak is None:
            raise HTTPException(409, "The stream is not on air.")
        response.headers.update(NO_STORE)
        return Peak(peak_viewers=peak)

    return router
