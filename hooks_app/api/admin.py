"""Owners, tokens and the audit: for admins."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Response
from pydantic import Field
from sqlalchemy import select

from headend.model.base import Slug
from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import PAGE, Body, Cursor, Document, Limit, Moment, Page, answers, newest_first, page
from hooks_app.api.backstage import Backstage
from hooks_app.api.lookups import found
from hooks_app.api.ordered_pages import in_order
from hooks_app.audit import note
from hooks_app.problem import NO_STORE
from hooks_app.roles import Role
from hooks_app.tables import ApiTokenRow, AuditRow, OwnerRow
from hooks_app.tokens import Caller


class NewOwner(Body):
    """Whom streams belong to."""

    name: Slug
    """As streams and tokens name it."""
    title: str = Field(min_length=1, max_length=120)
    """For people."""


class Owner(Document):
    """Whom streams belong to."""

    name: str
    """As streams and tokens name it."""
    title: str
    """For people."""
    created_at: datetime
    """When it was made."""


class Owners(Document):
    """Owners by name."""

    items: list[Owner]
    """All that the caller may see."""


class NewToken(Body):
    """A bearer token of this API."""

    role: Role
    """What it may: viewer, scheduler, operator or admin."""
    owner: Slug | None = None
    """Of which owner's things; null: of all."""
    label: str = Field(default="", max_length=80)
    """For people."""
    expires_at: Moment | None = None
    """The last moment at which it is good."""


class Token(Document):
    """What may be shown of a token."""

    token_id: str
    """Public."""
    label: str
    """For people."""
    role: Role
    """What it may."""
    owner: str | None
    """Of which owner's things; null: of all."""
    created_at: datetime
    """When it was made."""
    expires_at: datetime | None
    """The last moment at which it is good."""
    last_used_at: datetime | None
    """To the minute."""
    revoked_at: datetime | None
    """Since when it is not."""


class NewTokenText(Token):
    """A token with its text, which is shown this once."""

    token: str
    """For Authorization: Bearer."""


class WhoAmI(Document):
    """Whom the token stands for."""

    token_id: str
    """Public."""
    role: Role
    """What it may."""
    owner: str | None
    """Of which owner's things; null: of all."""


class AuditEntry(Document):
    """Who changed what."""

    id: int
    """Ascending."""
    at: datetime
    """When."""
    actor: str
    """token:ID or host:USER."""
    owner: str | None
    """Whose thing it was."""
    action: str
    """Thing and verb."""
    target: str
    """Which one."""
    detail: dict[str, Any]
    """More; never a secret."""


def admin_routes(stage: Backstage, access: Access) -> APIRouter:
    """/whoami, /owners, /tokens and /audit."""
    router = APIRouter(prefix=PREFIX, tags=["access"])
    viewer = Annotated[Caller, Depends(access.needs(Role.VIEWER))]
    admin = Annotated[Caller, Depends(access.needs(Role.ADMIN))]

    @router.get("/whoami", responses=answers(401, 429, 503))
    def whoami(caller: viewer, response: Response) -> WhoAmI:
        """Whom the token stands for."""
        response.headers.update(NO_STORE)
        return WhoAmI(token_id=caller.token_id, role=caller.role, owner=caller.owner)

    @router.get("/owners", responses=answers(401, 403, 429, 503))
    def list_owners(caller: admin, response: Response) -> Owners:
        """Every owner."""
        with stage.database.read() as db:
            rows = list(db.scalars(select(OwnerRow).order_by(OwnerRow.name)))
        response.headers.update(NO_STORE)
        shown = [row for row in rows if caller.may_see(row.name)]
        return Owners(items=[Owner.model_validate(row, from_attributes=True) for row in shown])

    @router.post("/owners", status_code=201, responses=answers(401, 403, 409, 413, 422, 429, 503))
    def add_owner(new: NewOwner, caller: admin, response: Response) -> Owner:
        """Make an owner."""
        _check_unlimited(caller)
        now = stage.here.clock.now()
        with stage.database.write() as db:
            if db.get(OwnerRow, new.name) is not None:
                raise HTTPException(409, "There is an owner of that name.")
            row = OwnerRow(name=new.name, title=new.title, created_at=now)
            db.add(row)
            note(db, actor=caller.actor, action="owner.add", target=new.name, owner=new.name, now=now)
            document = Owner.model_validate(row, from_attributes=True)
        response.headers.update(NO_STORE)
        return document

    @router.get("/tokens", responses=answers(401, 403, 422, 429, 503))
    def list_tokens(caller: admin, response: Response, limit: Limit = PAGE, cursor: Cursor = None) -> Page[Token]:
        """Tokens without their texts, by age; revoked and expired ones included."""
        query = select(ApiTokenRow)
        if caller.owner is not None:
            query = query.where(ApiTokenRow.owner == caller.owner)
        with stage.database.read() as db:
            order = (ApiTokenRow.created_at, ApiTokenRow.token_id)
            rows = list(db.scalars(in_order(db, query, order, limit, cursor)))
        response.headers.update(NO_STORE)
        return page(rows, limit, lambda row: row.token_id, _token)

    @router.post("/tokens", status_code=201, responses=answers(401, 403, 404, 413, 422, 429, 503))
    def add_token(new: NewToken, caller: admin, response: Response) -> NewTokenText:
        """Make a token; one with an owner makes only tokens of that owner."""
        now = stage.here.clock.now()
        if new.expires_at is not None and new.expires_at <= now:
            raise HTTPException(422, "expires_at: is over already.")
        owner = new.owner if new.owner is not None else caller.owner
        with stage.database.write() as db:
            if owner is not None and (not caller.may_see(owner) or db.get(OwnerRow, owner) is None):
                raise HTTPException(404, "There is no such owner.")
            row, text = stage.tokens.add(db, role=new.role, label=new.label, owner=owner, expires_at=new.expires_at)
            detail = {"role": new.role.value, "label": new.label}
            note(db, actor=caller.actor, action="token.add", target=row.token_id, owner=owner, now=now, **detail)
            document = NewTokenText(**_token(row).model_dump(), token=text)
        response.headers.update(NO_STORE)
        return document

    @router.post("/tokens/{token_id}/revoke", responses=answers(401, 403, 404, 429, 503))
    def revoke_token(token_id: str, caller: admin, response: Response) -> Token:
        """Stop a token, from now on."""
        with stage.database.write() as db:
            row = found(db, ApiTokenRow, token_id, caller, "token")
            stage.tokens.revoke(db, row.token_id)
            now = stage.here.clock.now()
            note(db, actor=caller.actor, action="token.revoke", target=token_id, owner=row.owner, now=now)
            document = _token(row)
        response.headers.update(NO_STORE)
        return document

    @router.get("/audit", responses=answers(401, 403, 422, 429, 503))
    def list_audit(caller: admin, response: Response, limit: Limit = PAGE, cursor: Cursor = None) -> Page[AuditEntry]:
        """Who changed what, the newest first."""
        query = newest_first(select(AuditRow), AuditRow.id, {AuditRow.owner: caller.owner}, limit, cursor)
        with stage.database.read() as db:
            rows = list(db.scalars(query))
        response.headers.update(NO_STORE)
        return page(rows, limit, lambda row: row.id, lambda row: AuditEntry.model_validate(row, from_attributes=True))

    return router


def _check_unlimited(caller: Caller) -> None:
    if caller.owner is not None:
        raise HTTPException(403, "This needs a token of no owner.")


def _token(row: ApiTokenRow) -> Token:
    return Token.model_validate(row, from_attributes=True)
