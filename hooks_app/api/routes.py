"""Every route under /api/v1."""

from __future__ import annotations

from fastapi import APIRouter

from hooks_app.api.access import Access, check_guarded
from hooks_app.api.admin import admin_routes
from hooks_app.api.announcements import announcement_routes
from hooks_app.api.attempts import Attempts
from hooks_app.api.backstage import Backstage
from hooks_app.api.calendar import calendar_routes
from hooks_app.api.destinations import destination_routes
from hooks_app.api.events import event_routes
from hooks_app.api.feed import Feed, feed_routes
from hooks_app.api.keys import key_routes
from hooks_app.api.recordings import recording_routes
from hooks_app.api.replay import replay_routes
from hooks_app.api.schedules import schedule_routes
from hooks_app.api.sessions import session_routes
from hooks_app.api.streams import stream_routes

_ROUTES = (
    stream_routes,
    event_routes,
    calendar_routes,
    schedule_routes,
    key_routes,
    session_routes,
    destination_routes,
    announcement_routes,
    recording_routes,
    admin_routes,
)


def build(stage: Backstage, feed: Feed) -> tuple[tuple[APIRouter, ...], APIRouter]:
    """The routers of the API, and the one for nginx@web. Raises RuntimeError if a route does not say who may."""
    access = Access(stage.tokens, Attempts(stage.here.clock))
    routers = (*(routes(stage, access) for routes in _ROUTES), feed_routes(stage, access, feed))
    replay = replay_routes(stage, access)
    check_guarded((*routers, replay))
    return routers, replay
