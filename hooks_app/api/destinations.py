"""Destinations: the names by which events say where they go.

This origin tells those of the spec, and no other. A name that is made here is for programs that read it here, with the
switches in an event's plan.
"""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import Field
from sqlalchemy import select

from headend.model.base import Slug
from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import Body, Document, answers, check_version, versioned
from hooks_app.api.backstage import Backstage
from hooks_app.api.lookups import found
from hooks_app.audit import note
from hooks_app.problem import NO_STORE
from hooks_app.roles import Role
from hooks_app.tables import DestinationRow, OwnerRow
from hooks_app.tokens import Caller

Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,23}$")]
SETTINGS_BYTES = 4096


class NewDestination(Body):
    """A name that events can switch, for programs that read it here: this origin tells only those of the spec."""

    name: Slug
    """By which events switch it."""
    kind: Kind
    """discord, webhook, email, apprise, rtmp, …"""
    owner: Slug = "site"
    """Whose it is."""
    title: str = Field(min_length=1, max_length=120)
    """For people."""
    settings: dict[str, str | int | bool | None] = Field(default_factory=dict, max_length=50)
    """What is not secret; a secret is a credential of the host, and here is only its name."""
    enabled: bool = True
    """Whether events that do not say otherwise go there."""


class DestinationChanges(Body):
    """What is to be changed; what is not named stays."""

    enabled: bool | None = None
    """Whether events that do not say otherwise go there."""
    title: str | None = Field(default=None, min_length=1, max_length=120)
    """For people. Needs the role admin."""
    settings: dict[str, str | int | bool | None] | None = Field(default=None, max_length=50)
    """All settings. Needs the role admin."""


class Destination(Document):
    """A place that events go to."""

    name: str
    """By which events switch it."""
    kind: str
    """What it is."""
    owner: str
    """Whose it is."""
    title: str
    """For people."""
    settings: dict[str, Any]
    """What is not secret."""
    enabled: bool
    """Whether events that do not say otherwise go there."""
    declared: bool
    """By the spec: this origin tells events there. Another one is for programs that read it here."""
    created_at: datetime
    """When it was made."""
    version: int
    """Counts every change; also its ETag."""


class Destinations(Document):
    """Destinations by name."""

    items: list[Destination]
    """All that the caller may see."""


def destination_routes(stage: Backstage, access: Access) -> APIRouter:
    """/destinations."""
    router = APIRouter(prefix=PREFIX, tags=["destinations"])
    viewer = Annotated[Caller, Depends(access.needs(Role.VIEWER))]
    operator = Annotated[Caller, Depends(access.needs(Role.OPERATOR))]
    admin = Annotated[Caller, Depends(access.needs(Role.ADMIN))]

    @router.get("/destinations", responses=answers(401, 422, 429, 503))
    def list_destinations(caller: viewer, response: Response) -> Destinations:
        """Every destination."""
        query = select(DestinationRow).order_by(DestinationRow.name)
        if caller.owner is not None:
            query = query.where(DestinationRow.owner == caller.owner)
        with stage.database.read() as db:
            rows = list(db.scalars(query))
        response.headers.update(NO_STORE)
        return Destinations(items=[_view(row) for row in rows])

    @router.get("/destinations/{name}", responses=answers(401, 404, 429, 503))
    def get_destination(name: str, caller: viewer, response: Response) -> Destination:
        """One destination."""
        with stage.database.read() as db:
            row = found(db, DestinationRow, name, caller, "destination")
        versioned(response, row.version)
        return _view(row)

    @router.post("/destinations", status_code=201, responses=answers(401, 403, 404, 409, 413, 422, 429, 503))
    def add_destination(new: NewDestination, caller: admin, response: Response) -> Destination:
        """Make a name that events can switch, for programs that read it here.

        This origin itself tells only the destinations that the spec declares.
        """
        _check_settings(new.settings)
        now = stage.here.clock.now()
        with stage.database.write() as db:
            if db.get(OwnerRow, new.owner) is None or not caller.may_see(new.owner):
                raise HTTPException(404, "There is no such owner.")
            if db.get(DestinationRow, new.name) is not None:
                raise HTTPException(409, "There is a destination of that name.")
            row = DestinationRow(**new.model_dump(), declared=False, created_at=now, updated_at=now, version=1)
            db.add(row)
            _note(db, caller, "destination.add", row)
            document = _view(row)
        versioned(response, 1)
        return document

    @router.patch("/destinations/{name}", responses=answers(401, 403, 404, 409, 412, 413, 422, 428, 429, 503))
    def change_destination(
        name: str, changes: DestinationChanges, request: Request, caller: operator, response: Response
    ) -> Destination:
        """Switch a destination on or off; an admin also changes what the spec does not say of it. With If-Match."""
        given = {key: value for key, value in changes.model_dump(exclude_unset=True).items() if value is not None}
        if set(given) - {"enabled"} and not caller.role.may(Role.ADMIN):
            raise HTTPException(403, f"This needs the role admin; the token has {caller.role.value}.")
        _check_settings(given.get("settings", {}))
        with stage.database.write() as db:
            row = found(db, DestinationRow, name, caller, "destination")
            check_version(request, row.version)
            if row.declared and (fixed := sorted(set(given) - {"enabled"})):
                raise HTTPException(409, f"{fixed[0]}: the spec declares this destination: change it there and deploy.")
            for key, value in given.items():
                setattr(row, key, value)
            row.version, row.updated_at = row.version + 1, stage.here.clock.now()
            _note(db, caller, "destination.change", row, fields=sorted(given))
            document = _view(row)
        versioned(response, document.version)
        return document

    @router.delete("/destinations/{name}", status_code=204, responses=answers(401, 403, 404, 409, 412, 428, 429, 503))
    def remove_destination(name: str, request: Request, caller: admin) -> None:
        """Remove a destination that the spec does not declare. With If-Match."""
        with stage.database.write() as db:
            row = found(db, DestinationRow, name, caller, "destination")
            check_version(request, row.version)
            if row.declared:
                raise HTTPException(409, "The spec declares this destination: take it out there and deploy.")
            _note(db, caller, "destination.remove", row)
            db.delete(row)

    def _note(db: Any, caller: Caller, action: str, row: DestinationRow, **detail: Any) -> None:
        now = stage.here.clock.now()
        note(db, actor=caller.actor, action=action, target=row.name, owner=row.owner, now=now, **detail)

    return router


def _check_settings(settings: dict[str, Any]) -> None:
    if len(json.dumps(settings)) > SETTINGS_BYTES:
        raise HTTPException(422, f"settings: longer than {SETTINGS_BYTES} bytes.")


def _view(row: DestinationRow) -> Destination:
    return Destination.model_validate(row, from_attributes=True)
