"""What one client may ask of the app: so many requests, and bodies so long."""

from __future__ import annotations

import math
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hooks_app.api.buckets import Buckets
from hooks_app.clock import Clock
from hooks_app.problem import problem

BODY_BYTES: Final = 64 * 1024
BURST: Final = 600
PER_SECOND: Final = 50.0
PREFIX: Final = "/api/"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


class Limits:
    """ASGI middleware around everything; only the API is limited."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._buckets = Buckets(clock, burst=BURST, per_second=PER_SECOND)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is within the limits; 413 and 429 otherwise."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        scope = {**scope, "client": (client_of(scope), 0)}
        # 127.0.0.1 is this host, or the site's own nginx for everybody: that one counts its clients itself.
        address = scope["client"][0]
        wait = 0.0 if address in _LOOPBACK else self._buckets.take(address)
        if wait > 0:
            answer = problem(429, "Too many requests.", {"Retry-After": str(math.ceil(wait))})
            await answer(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > BODY_BYTES:
            await _too_long(scope, receive, send)
            return
        taken, started, is_cut = 0, False, False

        async def counted() -> Message:
            nonlocal taken, is_cut
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > BODY_BYTES:
                is_cut = True
                return {"type": "http.disconnect"}
            return message

        async def note(message: Message) -> None:
            nonlocal started
            if is_cut:
                return
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, counted, note)
        except Exception:
            if not is_cut:
                raise
        if is_cut and not started:
            await _too_long(scope, receive, send)


def client_of(scope: Scope) -> str:
    """The client's address: what nginx@web says, if it is nginx@web that asks."""
    address = scope["client"][0] if scope.get("client") else ""
    if address not in _LOOPBACK:
        return str(address)
    forwarded = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode("latin-1")
    return (forwarded.rpartition(",")[2].strip() or str(address))[:64]


async def _too_long(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(413, f"The body is longer than {BODY_BYTES} bytes.")(scope, receive, send)
