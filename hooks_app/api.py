"""The public API: what is on air."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel

from headend.model.facts import StreamFacts
from hooks_app.ledger import Ledger, SessionView
from hooks_app.problem import NO_STORE
from hooks_app.states import State


class Session(BaseModel):
    """One on-air period; times are RFC 3339, UTC."""

    id: int
    started_at: datetime
    live_at: datetime | None
    ended_at: datetime | None


class Stream(BaseModel):
    """A stream as its audience may know it."""

    slug: str
    title: str
    state: State
    since: datetime | None
    """When the state was entered; null for a stream that was never on air."""
    session: Session | None
    """The session that is on air, or the last one."""
    playlist: str
    poster: str
    renditions: list[str]


class Streams(BaseModel):
    """Every stream of this origin."""

    streams: list[Stream]


def api_routes(streams: Mapping[str, StreamFacts], ledger: Ledger) -> APIRouter:
    """GET /api/v1/streams and GET /api/v1/streams/{slug}."""
    router = APIRouter(prefix="/api/v1")

    @router.get("/streams")
    def list_streams(response: Response) -> Streams:
        """Every stream, in the order of the spec."""
        response.headers.update(NO_STORE)
        current = ledger.current()
        return Streams(streams=[_stream(facts, current.get(slug)) for slug, facts in streams.items()])

    @router.get("/streams/{slug}", responses={404: {"description": "No such stream."}})
    def get_stream(slug: str, response: Response) -> Stream:
        """One stream."""
        response.headers.update(NO_STORE)
        facts = streams.get(slug)
        if facts is None:
            raise HTTPException(404, "There is no such stream.")
        return _stream(facts, ledger.current().get(slug))

    return router


def health_routes(is_healthy: Callable[[], bool]) -> APIRouter:
    """GET /healthz."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    def healthz(response: Response) -> dict[str, str]:
        response.headers.update(NO_STORE)
        if not is_healthy():
            raise HTTPException(503, "The reconcile loop does not turn.")
        return {"status": "ok"}

    return router


def _stream(facts: StreamFacts, session: SessionView | None) -> Stream:
    return Stream(
        slug=facts.slug,
        title=facts.title,
        state=session.state if session else State.OFFLINE,
        since=session.since if session else None,
        session=_session(session) if session else None,
        playlist=facts.playlist,
        # The poster lies beside the master playlist.
        poster=facts.playlist.rpartition("/")[0] + "/poster.jpg",
        renditions=list(facts.renditions),
    )


def _session(view: SessionView) -> Session:
    return Session(id=view.id, started_at=view.started_at, live_at=view.live_at, ended_at=view.ended_at)
