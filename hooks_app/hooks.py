"""nginx-rtmp's two hooks over HTTP: 200 is a yes, 403 a no, 503 a no for now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from hooks_app.admission import Admission, UnavailableError
from hooks_app.form import Call, RefusedError, parse_done, parse_publish
from hooks_app.stat_page import StatPageError
from hooks_app.units import UnitError

BODY_BYTES: Final = 64 * 1024
"""nginx-rtmp's own body stays under 7 kB: six strings of up to 255 bytes, escaped threefold, and a query."""

log = structlog.get_logger(__name__)


def hook_routes(admission: Admission) -> APIRouter:
    """POST /hooks/on_publish and POST /hooks/on_publish_done."""
    router = APIRouter(prefix="/hooks", include_in_schema=False)

    @router.post("/on_publish")
    async def on_publish(request: Request) -> Response:
        return await _answer(request, parse_publish, admission.publish)

    @router.post("/on_publish_done")
    async def on_publish_done(request: Request) -> Response:
        return await _answer(request, parse_done, admission.done)

    return router


async def _answer(request: Request, parse: Callable[[bytes], Call], act: Callable[[Call], None]) -> Response:
    hook = request.url.path
    try:
        call = parse(await _form(request))
        # In a thread: waiting for the encoder must not hold up the other streams' hooks.
        await run_in_threadpool(act, call)
    except RefusedError as refusal:
        log.warning("refused", hook=hook, reason=str(refusal))
        return Response(status_code=403)
    except (UnavailableError, StatPageError, UnitError) as fault:
        log.error("unavailable", hook=hook, reason=str(fault))
        return Response(status_code=503)
    except SQLAlchemyError as fault:
        log.error("unavailable", hook=hook, reason=f"database: {getattr(fault, 'orig', None) or type(fault).__name__}")
        return Response(status_code=503)
    return Response(status_code=200)


async def _form(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise RefusedError("not a form")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES:
            raise RefusedError("body too long")
    return bytes(body)
