"""nginx-rtmp's two hooks over HTTP: 200 is a yes, 403 a no, 503 a no for now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from hooks_app.admission import Admission, UnavailableError
from hooks_app.database import reason_of
from hooks_app.form import Call, RefusedError, parse_done, parse_publish
from hooks_app.metrics import Metrics
from hooks_app.stat_page import StatPageError
from hooks_app.throttle import Throttle
from hooks_app.units import UnitError

BODY_BYTES: Final = 64 * 1024
"""nginx-rtmp's own body stays under 7 kB: six strings of up to 255 bytes, escaped threefold, and a query."""

UNKNOWN_ADDRESS: Final = "-"
"""Of a body that could not be read."""

log = structlog.get_logger(__name__)


def hook_routes(admission: Admission, throttle: Throttle, metrics: Metrics) -> APIRouter:
    """POST /hooks/on_publish and POST /hooks/on_publish_done."""
    router = APIRouter(prefix="/hooks", include_in_schema=False)

    @router.post("/on_publish")
    async def on_publish(request: Request) -> Response:
        return await _answer(request, parse_publish, admission.publish, throttle, metrics)

    @router.post("/on_publish_done")
    async def on_publish_done(request: Request) -> Response:
        return await _answer(request, parse_done, admission.done, throttle, metrics)

    return router


async def _answer(
    request: Request,
    parse: Callable[[bytes], Call],
    act: Callable[[Call], float],
    throttle: Throttle,
    metrics: Metrics,
) -> Response:
    hook, address = request.url.path, UNKNOWN_ADDRESS
    with metrics.hook(hook.rpartition("/")[2]) as ending:
        try:
            call = parse(await _form(request))
            address = address_of(call)
            # In a thread: waiting for the encoder must not hold up the other streams' hooks.
            ending.attach_seconds = await run_in_threadpool(act, call)
            ending.outcome = "done"
            return Response(status_code=200)
        except RefusedError as refusal:
            status, reason = 403, str(refusal)
            metrics.refused(reason)
            ending.outcome = "refused"
        except (UnavailableError, StatPageError, UnitError) as fault:
            status, reason = 503, str(fault)
            ending.outcome = "unavailable"
        except SQLAlchemyError as fault:
            status, reason = 503, f"database: {reason_of(fault)}"
            ending.outcome = "unavailable"
    await _refuse(hook, address, status, reason, throttle)
    return Response(status_code=status)


async def _refuse(hook: str, address: str, status: int, reason: str, throttle: Throttle) -> None:
    # Also a no for now: while the database is away every encoder comes back again and again.
    verdict = throttle.refused(address)
    if verdict.tell:
        told = {"hook": hook, "reason": reason, "peer": address, "refusals": verdict.refusals}
        if status == 403:
            log.warning("refused", **told)
        else:
            log.error("unavailable", **told)
    if verdict.delay_seconds > 0:
        throttle.enter()
        try:
            # Here and not in a thread: who waits holds up nobody.
            await asyncio.sleep(verdict.delay_seconds)
        finally:
            throttle.leave()


def address_of(call: Call) -> str:
    """The publisher's address without its port."""
    return call.address if call.srt is None else call.srt.peer.rpartition(":")[0]


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
