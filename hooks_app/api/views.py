"""Rows as documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from headend.model.facts import StreamFacts
from hooks_app.announcement_tables import MessageRow
from hooks_app.api.backstage import Backstage
from hooks_app.api.documents import Announced, Fault, Live, OnAir, Plan, PublicEvent, PublicSession, Replay, Stream
from hooks_app.replays import Playable, playable
from hooks_app.session_view import SessionView
from hooks_app.states import OVER_STATES, State, of_stream
from hooks_app.tables import EventRow
from hooks_app.tokens import Caller

ANNOUNCED = 200
"""Messages on an event's page; GET /events/{id}/announcements has all."""


def watch_url(stage: Backstage, slug: str) -> str:
    """The page that plays a stream."""
    return f"{stage.facts.public_url}/watch/{slug}"


def event_view(stage: Backstage, row: EventRow, caller: Caller | None) -> PublicEvent:
    """An event, with its plan for a caller who may see it."""
    stream = stage.streams.get(row.slug)
    shown = caller is not None and caller.may_see(row.owner)
    return PublicEvent(
        id=row.id,
        slug=row.slug,
        title=row.title,
        description=row.description,
        poster_url=row.poster_url,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        state=State(row.state),
        since=row.since,
        ad_hoc=row.ad_hoc,
        playlist=stream.playlist if stream else None,
        watch=watch_url(stage, row.slug),
        recap_url=row.recap_url,
        plan=_plan(row) if shown else None,
    )


def with_replays(view: PublicEvent, replays: Sequence[Playable]) -> PublicEvent:
    """An event, with where it is watched again."""
    shown = [
        Replay(
            url=one.video.url,
            until=one.video.until,
            seconds=one.seconds,
            playlist=one.playlist.url if one.playlist else None,
            strip=one.strip.url if one.strip else None,
            index=one.index.url if one.index else None,
        )
        for one in replays
    ]
    return view.model_copy(update={"replay": shown[0] if shown else None, "replays": shown})


def announced(db: Session, row: EventRow) -> list[Announced]:
    """What was told of an event, and what will be."""
    query = select(MessageRow).where(MessageRow.event_id == row.id).order_by(MessageRow.id).limit(ANNOUNCED)
    return [
        Announced(
            message_id=message.id,
            destination=message.destination,
            occasion=message.occasion,
            state=message.state,
            at=message.finished_at or message.due_at,
        )
        for message in db.scalars(query)
    ]


def stream_views(stage: Backstage, streams: Sequence[StreamFacts], caller: Caller | None) -> list[Stream]:
    """Streams as they are now."""
    sessions, faults = stage.ledger.current(), _standing_faults(stage, streams)
    with stage.database.read() as db:
        upcoming = _upcoming(db, stage.here.clock.now())
        shown = {session.event_id for session in sessions.values() if session.event_id is not None}
        known = {row.id: row for row in db.scalars(select(EventRow).where(EventRow.id.in_(shown)))}
        replays = playable(db, stage.facts, shown, stage.here.clock.now())
        views = {
            number: with_replays(event_view(stage, row, caller), replays.get(number, []))
            for number, row in known.items()
        }
        return [
            _stream(stage, facts, sessions.get(facts.slug), views, upcoming.get(facts.slug), faults, caller)
            for facts in streams
        ]


def live_view(stage: Backstage) -> Live:
    """What is on air, live ones first."""
    sessions = [view for view in stage.ledger.open_sessions().values() if view.state in {State.LIVE, State.INTERRUPTED}]
    wanted = {view.event_id for view in sessions if view.event_id is not None}
    with stage.database.read() as db:
        titles = {row.id: row.title for row in db.scalars(select(EventRow).where(EventRow.id.in_(wanted)))}
    on_air = [
        OnAir(
            slug=view.slug,
            title=titles.get(view.event_id or 0, facts.title),
            state=view.state,
            live_at=view.live_at,
            event_id=view.event_id,
            playlist=facts.playlist,
            watch=watch_url(stage, view.slug),
            poster=poster_url(facts),
        )
        for view in sessions
        if (facts := stage.streams.get(view.slug)) is not None
    ]
    return Live(live=sorted(on_air, key=lambda one: (one.state is not State.LIVE, one.slug)))


def poster_url(facts: StreamFacts) -> str:
    """The poster lies beside the master playlist."""
    return facts.playlist.rpartition("/")[0] + "/poster.jpg"


def _stream(
    stage: Backstage,
    facts: StreamFacts,
    session: SessionView | None,
    known: dict[int, PublicEvent],
    upcoming: EventRow | None,
    faults: dict[str, Fault],
    caller: Caller | None,
) -> Stream:
    event = known.get(session.event_id) if session and session.event_id is not None else None
    is_open = session is not None and session.ended_at is None
    last = event.state if event and event.state in OVER_STATES else session.state if session else None
    state = of_stream(session.state if session and is_open else None, upcoming is not None, last)
    since = upcoming.since if state is State.SCHEDULED and upcoming else session.since if session else None
    return Stream(
        slug=facts.slug,
        title=facts.title,
        state=state,
        since=since,
        session=_session(session) if session else None,
        event=event,
        next_event=event_view(stage, upcoming, caller) if upcoming else None,
        fault=faults.get(facts.slug),
        playlist=facts.playlist,
        poster=poster_url(facts),
        watch=watch_url(stage, facts.slug),
        renditions=list(facts.renditions),
    )


def _session(view: SessionView) -> PublicSession:
    return PublicSession(
        id=view.id,
        protocol=view.publisher.protocol,
        started_at=view.started_at,
        live_at=view.live_at,
        ended_at=view.ended_at,
    )


def _plan(row: EventRow) -> Plan:
    return Plan(
        owner=row.owner,
        overlays=row.overlays,
        destinations=row.destinations,
        countdown_minutes=row.countdown_minutes,
        reason=row.reason,
        schedule_id=row.schedule_id,
        occurrence=row.occurrence,
        version=row.version,
    )


def _upcoming(db: Session, now: datetime) -> dict[str, EventRow]:
    """Each stream's next planned event."""
    ahead = (EventRow.state == State.SCHEDULED, EventRow.ends_at > now)
    first = select(EventRow.slug, func.min(EventRow.starts_at)).where(*ahead).group_by(EventRow.slug).subquery()
    rows = select(EventRow).join(first, (EventRow.slug == first.c[0]) & (EventRow.starts_at == first.c[1]))
    return {row.slug: row for row in db.scalars(rows.where(*ahead))}


def _standing_faults(stage: Backstage, streams: Sequence[StreamFacts]) -> dict[str, Fault]:
    found = {stream.slug: fault for stream in streams if (fault := stage.faults.of(stream.slug))}
    # Almost always there is no fault, and nothing more to ask.
    admitted = stage.ledger.last_admitted() if found else {}
    return {
        slug: Fault(at=fault.at, reason=fault.reason)
        for slug, fault in found.items()
        if slug not in admitted or admitted[slug] <= fault.at
    }
