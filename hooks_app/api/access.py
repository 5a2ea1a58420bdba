"""Who may: a route says which role it needs, or that it is public. One that says neither cannot be built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from hooks_app.api.attempts import Attempts
from hooks_app.api.plain_text import check_address
from hooks_app.roles import Role
from hooks_app.tokens import Caller, Tokens

CHALLENGE = {"WWW-Authenticate": "Bearer"}
BEARER = HTTPBearer(auto_error=False, description="A token that `headend token` made on the host, or POST /tokens.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)]

PREFIX = "/api/v1"

_MARK = "headend_access"


class Access:
    """Makes the dependencies of the routes."""

    def __init__(self, tokens: Tokens, attempts: Attempts) -> None:
        self._tokens = tokens
        self._attempts = attempts

    def needs(self, role: Role) -> Callable[..., Caller]:
        """A dependency that gives the caller, whose role is enough; 401 or 403 otherwise."""

        def caller(request: Request, _described: Credentials) -> Caller:
            found = self._caller(request)
            if found is None:
                raise HTTPException(401, "This needs a token: Authorization: Bearer TOKEN.", CHALLENGE)
            if not found.role.may(role):
                raise HTTPException(403, f"This needs the role {role.value}; the token has {found.role.value}.")
            check_address(request)
            return found

        setattr(caller, _MARK, role)
        return caller

    def public(self) -> Callable[..., Caller | None]:
        """A dependency that gives the caller if there is a token; a wrong one is 401 all the same."""

        def caller(request: Request) -> Caller | None:
            found = self._caller(request)
            check_address(request)
            return found

        setattr(caller, _MARK, None)
        return caller

    def _caller(self, request: Request) -> Caller | None:
        header = request.headers.get("authorization")
        if header is None:
            return None
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise HTTPException(401, "Authorization is not Bearer TOKEN.", CHALLENGE)
        address = request.client.host if request.client else ""
        # The token first: behind a site's own web server everybody has one address, and a good one is let in from there
        # whatever others try. 256 random bits need no lock.
        found = self._tokens.caller(text)
        if found is None:
            self._attempts.failed(address)
            raise HTTPException(401, "The token is unknown, expired or revoked.", CHALLENGE)
        return found


def check_guarded(routers: Iterable[APIRouter]) -> None:
    """Raises RuntimeError if a route says nothing of who may. Called once, when the app is made."""
    for route in routes_of(routers):
        if len(access_of(route)) != 1:
            raise RuntimeError(f"{route.path}: the route does not say who may")


def routes_of(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """Every route of these routers, which include no others."""
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute):
                raise TypeError(f"{router.prefix}: holds a {type(route).__name__}")
            yield route


def access_of(route: APIRoute) -> list[Role | None]:
    """What a route needs: a role, or None for public. Empty where it does not say."""
    return [getattr(call, _MARK) for call in _calls(route.dependant) if hasattr(call, _MARK)]


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)
