"""The app factory: collaborators come in, an ASGI app comes out. Nothing happens at import."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from headend import __version__
from headend.model.facts import HookFacts
from hooks_app.admission import Admission
from hooks_app.api import api_routes, health_routes
from hooks_app.clock import Clock, SystemClock
from hooks_app.database import Database
from hooks_app.gate import HookGate
from hooks_app.hooks import hook_routes
from hooks_app.keys import KeyRing
from hooks_app.ledger import Ledger
from hooks_app.loop import Loop
from hooks_app.media import Media, MediaRoot
from hooks_app.notify import notify
from hooks_app.problem import add_problem_handlers
from hooks_app.reconcile import Reconciler
from hooks_app.slots import Slots
from hooks_app.stat_page import HttpStatReader, StatReader
from hooks_app.units import Systemctl, Units
from hooks_app.watcher import Watcher

HEALTHY_SECONDS = 20.0
"""A reconcile round older than this means trouble: rounds are seconds apart, and the database may take five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything outside the process."""

    facts: HookFacts
    database: Database
    units: Units
    stat: StatReader
    media: Media
    clock: Clock

    @classmethod
    def real(cls, facts: HookFacts) -> Services:
        """The host's own."""
        return cls(
            facts=facts,
            database=Database(facts.database_url),
            units=Systemctl(),
            stat=HttpStatReader(facts.stat_url, facts.application),
            media=MediaRoot(facts.media_root),
            clock=SystemClock(),
        )


def create_app(services: Services) -> FastAPI:
    """The hook app; its loops run while its lifespan does. The database must be migrated."""
    facts, clock, slots = services.facts, services.clock, Slots()
    streams = {stream.slug: stream for stream in facts.streams}
    ledger = Ledger(services.database, clock)
    admission = Admission(
        facts=facts,
        streams=streams,
        keys=KeyRing(services.database, clock),
        ledger=ledger,
        units=services.units,
        stat=services.stat,
        slots=slots,
        clock=clock,
    )
    reconciler = Reconciler(
        streams=streams,
        ledger=ledger,
        units=services.units,
        stat=services.stat,
        media=services.media,
        slots=slots,
        clock=clock,
    )
    watcher = Watcher(streams=streams, ledger=ledger, media=services.media)
    reconcile_loop = Loop("reconcile", _reconcile_step(reconciler, facts.reconcile_seconds), clock)
    watch_loop = Loop("watch", watcher.look, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        loops = (reconcile_loop, watch_loop)
        for loop in loops:
            loop.start()
        yield
        for loop in loops:
            await run_in_threadpool(loop.stop)
        services.database.close()

    app = FastAPI(
        title="Headend",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        # The interactive pages load scripts from elsewhere; a trailing slash is a wrong address, not a redirect.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.include_router(hook_routes(admission))
    app.include_router(api_routes(streams, ledger))
    app.include_router(health_routes(lambda: reconcile_loop.age_seconds() < HEALTHY_SECONDS))
    add_problem_handlers(app)
    app.add_middleware(HookGate)
    app.state.reconciler, app.state.watcher = reconciler, watcher
    return app


def _reconcile_step(reconciler: Reconciler, seconds: float) -> Callable[[], float]:
    def step() -> float:
        reconciler.round()
        # Only here, after a whole round with a database write in it: a wedged app must not look alive.
        notify("WATCHDOG=1")
        return seconds

    return step
