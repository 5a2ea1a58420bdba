"""The outermost layer: whatever happens inside, nginx-rtmp gets an answer that it understands.

nginx-rtmp takes any 3xx answer to on_publish for a yes, so under /hooks there are three answers only: 200 (yes),
403 (no) and 503 (not now).
"""

from __future__ import annotations

from typing import Final

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANSWERS: Final = frozenset({200, 403, 503})

log = structlog.get_logger(__name__)


class HookGate:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, except answers that a hook must not give."""
        if scope["type"] != "http" or not is_hook(scope["path"]):
            await self._app(scope, receive, send)
            return
        replaced = started = False

        async def narrow(message: Message) -> None:
            nonlocal replaced, started
            if message["type"] == "http.response.start":
                started = True
                replaced = message["status"] not in ANSWERS
                if replaced:
                    status = 403 if 400 <= message["status"] < 500 else 503
                    await Response(status_code=status)(scope, receive, send)
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, narrow)
        except Exception:
            log.exception("hook failed")
            if not started:
                await Response(status_code=503)(scope, receive, send)


def is_hook(path: str) -> bool:
    """Whether a request path belongs to nginx-rtmp."""
    return path == "/hooks" or path.startswith("/hooks/")
