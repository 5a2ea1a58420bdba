"""Errors of the public API: RFC 9457 problem details."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

NO_STORE = {"Cache-Control": "no-store"}


def problem(status: int, detail: str) -> JSONResponse:
    """A problem document; its title is the status's own phrase."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(content, status, NO_STORE, media_type="application/problem+json")


def add_problem_handlers(app: FastAPI) -> None:
    """Every error that a route can raise becomes a problem document."""

    def http_error(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101  (registered for nothing else)
        return problem(error.status_code, error.detail)

    def database_error(_request: Request, _error: Exception) -> JSONResponse:
        return problem(503, "The state database does not answer.")

    def fault(_request: Request, _error: Exception) -> JSONResponse:
        return problem(500, "Something failed; the journal says what.")

    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(SQLAlchemyError, database_error)
    app.add_exception_handler(Exception, fault)
