"""State changes as server-sent events (HTML Living Standard, section 9.2): one poller for all clients."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Depends, Header, HTTPException, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from headend.model.base import Slug
from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import Document, answers
from hooks_app.api.backstage import Backstage
from hooks_app.history import History, Transition
from hooks_app.states import State
from hooks_app.tokens import Caller

POLL_SECONDS: Final = 0.1
CALM_SECONDS: Final = 15.0
"""A comment that often, so that no proxy takes the connection for dead."""
CLIENTS: Final = 200
WAITING: Final = 1000
"""Changes that may wait for a slow client; then it is cut, and comes back with its last id."""
BATCH: Final = 500
BACKLOG: Final = 10_000
"""How far back a client may resume; one from further back is told to start anew."""

log = structlog.get_logger(__name__)


class FeedChange(Document):
    """The data of one server-sent event."""

    id: int
    """Ascending; Last-Event-ID resumes after it."""
    at: datetime
    """When."""
    slug: str
    """Of which stream."""
    session_id: int | None
    """Which session; null for a change of an event."""
    event_id: int | None
    """Which event."""
    before: State
    """From this state."""
    after: State
    """To this one."""


class FeedReset(Document):
    """The data of the event `reset`: what was missed cannot be told. Ask GET /streams, and go on from here."""

    id: int
    """The newest change; Last-Event-ID resumes after it."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The client's last id says nothing."""

    id: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client hears before what happens."""

    newest: int
    """Id of the newest change there is."""
    seen: int
    """Id after which it wants to hear."""
    missed: tuple[Transition, ...] = ()
    """The first of what it missed."""
    reset: Reset | None = None


class Feed:
    """Follows the history while somebody listens."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._queues: set[asyncio.Queue[Transition | None]] = set()
        self._last = 0
        self._poller: asyncio.Task[None] | None = None

    def full(self) -> bool:
        """Whether there is no place for another client."""
        return len(self._queues) >= CLIENTS

    async def open(self, after: int | None) -> Opening:
        """What a client hears first: the changes after one, or nothing yet. Raises SQLAlchemyError, before any answer.

        A client that comes from after the newest change (the database was restored) or from too far back starts anew.
        """
        newest = self._last
        if after is not None or not self._is_polling():
            newest = await run_in_threadpool(self._history.newest_id)
        if after is None:
            return Opening(newest, newest)
        if not newest - BACKLOG <= after <= newest:
            return Opening(newest, newest, reset=Reset(newest))
        missed = await run_in_threadpool(self._history.after, after, BATCH)
        return Opening(newest, after, missed=tuple(missed))

    async def follow(self, opening: Opening) -> AsyncIterator[Transition | Reset | None]:
        """An opening, and then what happens; None every CALM_SECONDS without a change. Ends for a slow client."""
        queue: asyncio.Queue[Transition | None] = asyncio.Queue(WAITING)
        # First listen, then look back: nothing falls between.
        self._queues.add(queue)
        if not self._is_polling():
            self._last = opening.newest
            self._poller = asyncio.create_task(self._poll())
        heard, seen = self._last, opening.seen
        try:
            if opening.reset is not None:
                yield opening.reset
            batch: Sequence[Transition] = opening.missed
            while batch or seen < heard:
                for change in batch:
                    yield change
                    seen = change.id
                batch = await run_in_threadpool(self._history.after, seen, BATCH) if seen < heard else ()
                if not batch:
                    break
            while queue in self._queues or not queue.empty():
                try:
                    change_or_none = await asyncio.wait_for(queue.get(), CALM_SECONDS)
                except TimeoutError:
                    yield None
                    continue
                if change_or_none is None:
                    return
                if change_or_none.id > seen:
                    seen = change_or_none.id
                    yield change_or_none
        except SQLAlchemyError as error:
            # The answer has begun: the client comes back with its last id, and is told 503 then.
            log.error("feed ends", error=type(error).__name__)
        finally:
            self._queues.discard(queue)

    async def close(self) -> None:
        """Cut every client: the app goes."""
        for queue in list(self._queues):
            self._cut(queue)
        if self._poller is not None:
            self._poller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._poller

    def _is_polling(self) -> bool:
        return self._poller is not None and not self._poller.done()

    async def _poll(self) -> None:
        while self._queues:
            await asyncio.sleep(POLL_SECONDS)
            try:
                changes = await run_in_threadpool(self._history.after, self._last, BATCH)
            except SQLAlchemyError as error:
                log.error("feed is blind", error=type(error).__name__)
                await asyncio.sleep(1)
                continue
            for change in changes:
                self._last = change.id
                for queue in list(self._queues):
                    try:
                        queue.put_nowait(change)
                    except asyncio.QueueFull:
                        self._cut(queue)
            if not self._queues:
                return

    def _cut(self, queue: asyncio.Queue[Transition | None]) -> None:
        self._queues.discard(queue)
        # What waits in a full queue is still told, and then nothing: the client comes back with its last id.
        if not queue.full():
            queue.put_nowait(None)


def feed_routes(stage: Backstage, access: Access, feed: Feed) -> APIRouter:
    """/feed."""
    router = APIRouter(prefix=PREFIX, tags=["streams"])
    public = Annotated[Caller | None, Depends(access.public())]
    number = Annotated[int | None, Query(alias="last_event_id", ge=0, le=2**53, description="Like Last-Event-ID.")]

    @router.get(
        "/feed",
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/event-stream": {}}, "model": FeedChange | FeedReset},
            **answers(401, 422, 429, 503),
        },
    )
    async def follow(
        caller: public,
        stream: Annotated[Slug | None, Query(description="Only of this stream.")] = None,
        after: number = None,
        last_event_id: Annotated[
            str | None, Header(pattern=r"^\d{1,15}$", description="Resume after this one.")
        ] = None,
    ) -> StreamingResponse:
        """Every change of a state as it happens: event `session` or `event`, its id, a JSON document as data.

        An event `reset` (its data: the newest `id`) comes first where changes were missed that cannot be told again:
        more than ten thousand, or the database was restored from a backup. Ask GET /streams then.
        """
        if feed.full():
            raise HTTPException(503, "The feed has no place for another client. Ask GET /streams instead.")
        resume = int(last_event_id) if last_event_id is not None else after
        # Before the answer begins: a database that is away is 503 and not a connection that breaks off.
        opening = await feed.open(resume)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_text(feed, opening, stream), media_type="text/event-stream", headers=headers)

    return router


async def _text(feed: Feed, opening: Opening, stream: str | None) -> AsyncIterator[str]:
    # At once: a client then knows that it is connected, and how soon to come back.
    yield "retry: 2000\n\n"
    async for change in feed.follow(opening):
        if change is None:
            yield ": still here\n\n"
        elif isinstance(change, Reset):
            yield f"id: {change.id}\nevent: reset\ndata: {FeedReset(id=change.id).model_dump_json()}\n\n"
        elif stream is None or change.slug == stream:
            data = FeedChange.model_validate(change, from_attributes=True).model_dump_json()
            yield f"id: {change.id}\nevent: {change.subject}\ndata: {data}\n\n"
