"""Whether the app lives, and whether it can do its work: for monitors on the host and for nginx@web."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST

from hooks_app.problem import NO_STORE


def health_routes(
    is_healthy: Callable[[], bool], readiness: Callable[[], dict[str, bool]], metrics: Callable[[], bytes]
) -> APIRouter:
    """GET /healthz, /readyz and /metrics; nginx@web passes none of them on."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    def healthz(response: Response) -> dict[str, str]:
        """The reconcile loop turns."""
        response.headers.update(NO_STORE)
        if not is_healthy():
            raise HTTPException(503, "The reconcile loop does not turn.")
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz(response: Response) -> dict[str, bool]:
        """Everything that a publisher needs answers."""
        response.headers.update(NO_STORE)
        parts = readiness()
        if missing := [name for name, works in parts.items() if not works]:
            raise HTTPException(503, f"Not ready: {', '.join(missing)}.")
        return parts

    @router.get("/metrics")
    def scrape() -> Response:
        """What Prometheus asks for."""
        return Response(metrics(), media_type=CONTENT_TYPE_LATEST, headers=NO_STORE)

    return router
