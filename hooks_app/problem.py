"""Errors of the public API: RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

NO_STORE = {"Cache-Control": "no-store"}
PROBLEM_TYPE = "application/problem+json"
PROBLEM_REF = "#/components/schemas/Problem"


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """Always about:blank: the status says it."""
    title: str
    """The status's own phrase."""
    status: int
    """The HTTP status."""
    detail: str
    """A sentence for people: what is wrong, and what to do."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem document; its title is the status's own phrase."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(content, status, {**NO_STORE, **(headers or {})}, media_type=PROBLEM_TYPE)


def describe_problem(app: FastAPI) -> None:
    """Put what PROBLEM_REF names into the app's description."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        document["components"]["schemas"].setdefault("Problem", Problem.model_json_schema())
        return document

    app.openapi = described  # type: ignore[method-assign]


def add_problem_handlers(app: FastAPI) -> None:
    """Every error that a route can raise becomes a problem document."""

    def http_error(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101  (registered for nothing else)
        return problem(error.status_code, error.detail, error.headers)

    def invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101  (registered for nothing else)
        # Place and fault of the first one; never the value, which may be a secret that was put in the wrong field.
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path", "header"))
        return problem(422, f"{place or first['loc'][0]}: {first['msg']}.")

    def database_error(_request: Request, _error: Exception) -> JSONResponse:
        return problem(503, "The state database does not answer.")

    def fault(_request: Request, _error: Exception) -> JSONResponse:
        return problem(500, "Something failed; the journal says what.")

    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(SQLAlchemyError, database_error)
    app.add_exception_handler(Exception, fault)
