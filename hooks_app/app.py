"""The app factory: collaborators come in, an ASGI app comes out. Nothing happens at import."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from headend import __version__
from headend.model.facts import HookFacts
from hooks_app.admission import Admission
from hooks_app.admit_list import AdmitList
from hooks_app.api import build
from hooks_app.api.backstage import Backstage
from hooks_app.api.feed import Feed
from hooks_app.api.health import health_routes
from hooks_app.api.limits import Limits
from hooks_app.authority import Authority
from hooks_app.backup import sqlite_path
from hooks_app.bit_rates import BitRates
from hooks_app.clock import Clock, SystemClock
from hooks_app.database import Database
from hooks_app.declared_destinations import declare_destinations
from hooks_app.dropper import Dropper, HttpDropper
from hooks_app.encoder_progress import EncoderProgress
from hooks_app.enforcer import Enforcer
from hooks_app.events import Events
from hooks_app.faults import Faults
from hooks_app.gate import HookGate
from hooks_app.here import Here
from hooks_app.history import History
from hooks_app.hooks import hook_routes
from hooks_app.key_gate import KeyGate
from hooks_app.keys import KeyRing
from hooks_app.ledger import Ledger
from hooks_app.loop import Loop
from hooks_app.made_streams import MadeStreams
from hooks_app.media import Media, MediaRoot
from hooks_app.metrics import Metrics, Scrape
from hooks_app.notify import notify
from hooks_app.problem import add_problem_handlers, describe_problem
from hooks_app.reconcile import Reconciler
from hooks_app.schedules import Schedules
from hooks_app.silence import Silence
from hooks_app.slots import Slots
from hooks_app.stat_page import HttpStatReader, StatPageError, StatReader
from hooks_app.streams import StreamRegistry
from hooks_app.throttle import Throttle
from hooks_app.tokens import Tokens
from hooks_app.units import Systemctl, UnitError, Units
from hooks_app.watcher import Watcher

log = structlog.get_logger(__name__)

HEALTHY_SECONDS = 20.0
KNOWN_SECONDS = 10.0
"""A state that nobody could look after or write down for so long is not told any more."""
PATIENCE_SECONDS = 900.0
"""How long the database may be away before systemd makes a new process of this one."""
"""A reconcile round older than this means trouble: rounds are seconds apart, and the database may take five."""
PLAN_SECONDS = 10.0
"""How often schedules are looked at: an event is made two weeks ahead, and missed some seconds late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything outside the process."""

    facts: HookFacts
    database: Database
    units: Units
    stat: StatReader
    dropper: Dropper
    media: Media
    clock: Clock
    here: Here
    master: bytes | None = field(default=None, repr=False)
    """The master secret; without it no key can be made here."""

    @classmethod
    def real(cls, facts: HookFacts, boot_id: str, master: bytes | None) -> Services:
        """The host's own."""
        clock = SystemClock()
        return cls(
            facts=facts,
            database=Database(facts.database_url),
            units=Systemctl(),
            stat=HttpStatReader(facts.stat_url, facts.application),
            dropper=HttpDropper(facts.control_url, facts.application),
            media=MediaRoot(facts.media_root),
            clock=clock,
            here=Here.own(clock, boot_id),
            master=master,
        )


def create_app(services: Services) -> FastAPI:
    """The hook app; its loops run while its lifespan does. The database must be migrated."""
    facts, clock, slots, here = services.facts, services.clock, Slots(), services.here
    streams = StreamRegistry(facts, services.database)
    ledger = Ledger(services.database, here, facts.publish_lead_seconds)
    keys = KeyRing(services.database, clock, services.master)
    events = Events(services.database, here)
    gate = KeyGate(events=events, clock=clock, lead_seconds=facts.publish_lead_seconds)
    admit_list = AdmitList.of(facts, streams, keys, ledger, gate)
    silence, bit_rates = Silence(clock), BitRates(clock)
    metrics = Metrics()
    services.database.wrote = metrics.wrote
    enforcer = Enforcer(ledger=ledger, keys=keys, dropper=services.dropper)
    admission = Admission(
        authority=Authority(facts=facts, streams=streams, keys=keys, ledger=ledger, gate=gate),
        attach_timeout_seconds=facts.attach_timeout_seconds,
        streams=streams,
        ledger=ledger,
        units=services.units,
        stat=services.stat,
        media=services.media,
        dropper=services.dropper,
        silence=silence,
        slots=slots,
        admit_list=admit_list,
        clock=clock,
    )
    reconciler = Reconciler(
        streams=streams,
        ledger=ledger,
        units=services.units,
        stat=services.stat,
        media=services.media,
        slots=slots,
        dropper=services.dropper,
        silence=silence,
        bit_rates=bit_rates,
        admit_list=admit_list,
        metrics=metrics,
        clock=clock,
    )
    watcher = Watcher(streams=streams, ledger=ledger, media=services.media)
    made = MadeStreams(Path(facts.streams_dir) if facts.streams_dir else None, frozenset(s.slug for s in facts.streams))

    def refresh_streams() -> None:
        streams.reload()
        for slug in made.write(streams, ledger.open_sessions):
            # With its file gone, the end tags' unit takes its master playlist away as well.
            try:
                services.units.finish(slug)
            except UnitError as error:
                log.error("removed stream not finished", stream=slug, error=str(error))

    def declare() -> None:
        streams.declare(here.stamp())
        declare_destinations(facts, services.database, clock.now())
        refresh_streams()

    schedules = Schedules(services.database, here)
    reconcile = _reconcile_step(reconciler, refresh_streams, facts.reconcile_seconds, clock)
    progress = EncoderProgress(facts.media_root, clock.monotonic)
    reconcile_loop = Loop("reconcile", reconcile, clock)
    loops = (
        reconcile_loop,
        Loop("watch", watcher.look, clock),
        Loop("enforce", enforcer.look, clock),
        Loop("encoders", lambda: progress.look(streams.keys()), clock),
        Loop("plan", _plan_step(schedules, events), clock),
    )
    history = History(services.database)
    feed = Feed(history)
    stage = Backstage(
        facts=facts,
        database=services.database,
        here=here,
        streams=streams,
        ledger=ledger,
        history=history,
        keys=keys,
        events=events,
        schedules=schedules,
        faults=Faults.of_facts(facts, clock),
        enforcer=enforcer,
        progress=progress,
        bit_rates=bit_rates,
        tokens=Tokens(services.database, clock),
        hint=reconcile_loop.nudge,
        state_is_known=lambda: reconcile_loop.silent_seconds() < KNOWN_SECONDS,
        streams_changed=refresh_streams,
        keys_changed=admit_list.refresh,
    )

    metrics.registry.register(
        Scrape(
            database=services.database,
            ledger=ledger,
            streams=streams,
            progress=progress,
            bit_rates=bit_rates,
            segment_age_seconds=services.media.ages_seconds,
            reconcile_age_seconds=reconcile_loop.age_seconds,
            state_file=sqlite_path(facts.database_url),
            media_root=Path(facts.media_root),
            backup_folder=Path(facts.backup_dir) if facts.backup_dir else None,
            build_file=Path(facts.build_file) if facts.build_file else None,
        )
    )

    def readiness() -> dict[str, bool]:
        return {"reconcile": reconcile_loop.age_seconds() < HEALTHY_SECONDS, "ingest": _answers(services.stat)}

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Before anything asks for an encoder.
        await run_in_threadpool(declare)
        # Before systemd hears that we are ready: nginx@srt refuses everybody until there is a list.
        await run_in_threadpool(admit_list.refresh)
        for loop in loops:
            loop.start()
        yield
        await feed.close()
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
    app.include_router(hook_routes(admission, Throttle(clock), metrics))
    routers, replay = build(stage, feed)
    for router in (*routers, replay):
        app.include_router(router)
    app.include_router(health_routes(lambda: reconcile_loop.age_seconds() < HEALTHY_SECONDS, readiness, metrics.text))
    add_problem_handlers(app)
    describe_problem(app)
    app.add_middleware(HookGate)
    app.add_middleware(Limits, clock=clock)
    app.state.reconciler, app.state.watcher, app.state.enforcer = reconciler, watcher, enforcer
    app.state.declare = declare
    app.state.streams, app.state.stage, app.state.routers, app.state.feed = streams, stage, routers, feed
    return app


def _answers(stat: StatReader) -> bool:
    try:
        stat.read()
    except StatPageError:
        return False
    return True


def _plan_step(schedules: Schedules, events: Events) -> Callable[[], float]:
    def step() -> float:
        schedules.round()
        events.miss()
        return PLAN_SECONDS

    return step


def _reconcile_step(
    reconciler: Reconciler, refresh: Callable[[], None], seconds: float, clock: Clock
) -> Callable[[], float]:
    done_at = clock.monotonic()

    def step() -> float:
        nonlocal done_at
        try:
            refresh()
            reconciler.round()
        except SQLAlchemyError:
            # A full disk or a database that is away is an answer: a new process would have the same, and its clients
            # none meanwhile. For a while, because it may be this process after all.
            if clock.monotonic() - done_at < PATIENCE_SECONDS:
                notify("WATCHDOG=1")
            raise
        # Only here, after a whole round with a database write in it: a wedged app must not look alive.
        done_at = clock.monotonic()
        notify("WATCHDOG=1")
        return seconds

    return step
