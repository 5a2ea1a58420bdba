"""Stream keys: made, rotated and revoked by those who run the origin."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from headend.model.base import Slug
from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import PAGE, Body, Cursor, Document, Limit, Moment, Page, answers, page
from hooks_app.api.backstage import Backstage
from hooks_app.api.lookups import found, owner_of_slug, stream_of
from hooks_app.api.ordered_pages import in_order
from hooks_app.audit import note
from hooks_app.keys import KeyRingError, KeyView, keys_of, view_of
from hooks_app.problem import NO_STORE
from hooks_app.roles import Role
from hooks_app.tables import EventRow, StreamKeyRow
from hooks_app.tokens import Caller


class NewKey(Body):
    """A stream key."""

    slug: Slug
    """Of its stream."""
    label: str = Field(default="", max_length=80)
    """For people."""
    expires_at: Moment | None = None
    """The last moment at which it lets in; what is on air by it then ends."""
    replace: bool = False
    """Revoke the older one where two are active."""
    gate: Literal["always", "events"] = "always"
    """events: lets in only around an event of its stream."""
    event_id: int | None = Field(default=None, ge=1, lt=2**31)
    """Only around this one."""


class Key(Document):
    """What may be shown of a key."""

    key_id: str
    """Public."""
    slug: str
    """Of its stream."""
    label: str
    """For people."""
    state: Literal["active", "expired", "revoked"]
    """Only an active one lets in."""
    gate: Literal["always", "events"]
    """events: lets in only around an event of its stream."""
    event_id: int | None
    """Only around this one."""
    created_at: datetime
    """When it was made."""
    expires_at: datetime | None
    """The last moment at which it lets in."""
    last_used_at: datetime | None
    """When it last let somebody in."""
    revoked_at: datetime | None
    """Since when it does not."""


class NewKeySecret(Key):
    """A key with its secret, which is shown this once."""

    secret: str
    """For encoders; only its SHA-256 is kept."""
    stream_key: str
    """What to type as the stream key over RTMP."""


def key_routes(stage: Backstage, access: Access) -> APIRouter:
    """/keys."""
    router = APIRouter(prefix=PREFIX, tags=["keys"])
    viewer = Annotated[Caller, Depends(access.needs(Role.VIEWER))]
    operator = Annotated[Caller, Depends(access.needs(Role.OPERATOR))]

    @router.get("/keys", responses=answers(401, 422, 429, 503))
    def list_keys(
        caller: viewer,
        response: Response,
        stream: Annotated[Slug | None, Query(description="Only of this stream.")] = None,
        limit: Limit = PAGE,
        cursor: Cursor = None,
    ) -> Page[Key]:
        """Keys without their secrets, by stream and age; revoked and expired ones included."""
        order = (StreamKeyRow.slug, StreamKeyRow.created_at, StreamKeyRow.key_id)
        with stage.database.read() as db:
            rows = db.scalars(in_order(db, keys_of(stream, caller.owner), order, limit, cursor))
            views = [view_of(row) for row in rows]
        response.headers.update(NO_STORE)
        return page(views, limit, lambda view: view.key_id, lambda view: Key(**_fields(view)))

    @router.post("/keys", status_code=201, responses=answers(401, 403, 404, 409, 413, 422, 429, 503))
    def add_key(new: NewKey, caller: operator, response: Response) -> NewKeySecret:
        """Make a key. Two may be active, so that an encoder can be moved from one to the other."""
        stream = stream_of(stage, new.slug, caller)
        if new.expires_at is not None and new.expires_at <= stage.here.clock.now():
            raise HTTPException(422, "expires_at: is over already.")
        if new.event_id is not None and new.gate != "events":
            raise HTTPException(422, 'event_id: needs gate "events".')
        with stage.database.write() as db:
            if new.event_id is not None and found(db, EventRow, new.event_id, caller, "event").slug != new.slug:
                raise HTTPException(422, "event_id: is an event of another stream.")
            with _conflicts():
                key, secret = stage.keys.add(
                    db, new.slug, new.label, new.expires_at, new.replace, new.gate, new.event_id
                )
            _note(db, "key.add", key, stream.owner, caller)
        return _made(key, secret, response)

    @router.post("/keys/{key_id}/rotate", status_code=201, responses=answers(401, 403, 404, 409, 422, 429, 503))
    def rotate_key(key_id: str, caller: operator, response: Response) -> NewKeySecret:
        """A new key like this one, which goes on for a day."""
        with stage.database.write() as db:
            owner = _owner(db, key_id, caller)
            with _conflicts():
                key, secret = stage.keys.rotate(db, key_id)
            _note(db, "key.rotate", key, owner, caller, rotated=key_id)
        return _made(key, secret, response)

    @router.post("/keys/{key_id}/revoke", responses=answers(401, 403, 404, 422, 429, 503))
    def revoke_key(key_id: str, caller: operator, response: Response) -> Key:
        """Let nobody in by it any more; what is on air by it ends within two seconds."""
        with stage.database.write() as db:
            owner = _owner(db, key_id, caller)
            key = stage.keys.revoke(db, key_id)
            if key is None:
                raise _no_such_key()
            _note(db, "key.revoke", key, owner, caller)
        stage.keys_changed()
        stage.enforcer.enforce()
        response.headers.update(NO_STORE)
        return Key(**_fields(key))

    def _owner(db: Session, key_id: str, caller: Caller) -> str | None:
        row = db.scalars(keys_of(None, caller.owner).where(StreamKeyRow.key_id == key_id)).one_or_none()
        if row is None:
            raise _no_such_key()
        return owner_of_slug(db, row.slug)

    def _made(key: KeyView, secret: str, response: Response) -> NewKeySecret:
        # After the commit: what fails from here on must not keep the secret from who asked for it.
        stage.keys_changed()
        response.headers.update(NO_STORE)
        return NewKeySecret(**_fields(key), secret=secret, stream_key=f"{key.slug}?key={secret}")

    def _note(db: Session, action: str, key: KeyView, owner: str | None, caller: Caller, **detail: str) -> None:
        now = stage.here.clock.now()
        note(db, actor=caller.actor, action=action, target=key.key_id, owner=owner, now=now, **detail)

    def _fields(view: KeyView) -> dict[str, object]:
        now = stage.here.clock.now().replace(microsecond=0)
        is_over = view.expires_at is not None and view.expires_at < now
        state = "revoked" if view.revoked_at else "expired" if is_over else "active"
        return {
            "key_id": view.key_id,
            "slug": view.slug,
            "label": view.label,
            "state": state,
            "gate": view.gate,
            "event_id": view.event_id,
            "created_at": view.created_at,
            "expires_at": view.expires_at,
            "last_used_at": view.last_used_at,
            "revoked_at": view.revoked_at,
        }

    return router


@contextmanager
def _conflicts() -> Iterator[None]:
    """What the key ring will not do is the API's 409."""
    try:
        yield
    except KeyRingError as error:
        raise HTTPException(409, str(error)) from None


def _no_such_key() -> HTTPException:
    return HTTPException(404, "There is no such key.")
