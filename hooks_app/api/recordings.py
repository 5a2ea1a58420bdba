"""Recordings: what was recorded, where each file is, and what is to become of it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from headend.model.base import Slug
from headend.model.recordings import Archive
from hooks_app.api.access import PREFIX, Access
from hooks_app.api.answers import PAGE, Cursor, Id, Limit, Page, answers, newest_first, page
from hooks_app.api.backstage import Backstage
from hooks_app.api.lookups import found
from hooks_app.api.recording_documents import Archiver, Hold, Recording, RecordingFile, RecordingsStatus
from hooks_app.archive.places import elsewhere
from hooks_app.archive.states import FileState, RecordingState
from hooks_app.audit import note
from hooks_app.backlog import backlog
from hooks_app.problem import NO_STORE
from hooks_app.recording_tables import ArchiverRow, RecordingFileRow, RecordingRow
from hooks_app.replays import file_address
from hooks_app.roles import Role
from hooks_app.tables import SessionRow
from hooks_app.tokens import Caller

SIZED = ("video", "raw")


def recording_routes(stage: Backstage, access: Access) -> APIRouter:
    """/recordings."""
    router = APIRouter(prefix=PREFIX, tags=["recordings"])
    viewer = Annotated[Caller, Depends(access.needs(Role.VIEWER))]
    operator = Annotated[Caller, Depends(access.needs(Role.OPERATOR))]
    admin = Annotated[Caller, Depends(access.needs(Role.ADMIN))]

    @router.get("/recordings", responses=answers(401, 422, 429, 503))
    def list_recordings(
        caller: viewer,
        response: Response,
        slug: Annotated[Slug | None, Query(alias="stream", description="Only of this stream.")] = None,
        event: Annotated[int | None, Query(ge=1, lt=2**31, description="Only of this event.")] = None,
        state: Annotated[RecordingState | None, Query(description="Only in this state.")] = None,
        limit: Limit = PAGE,
        cursor: Cursor = None,
    ) -> Page[Recording]:
        """Recordings, the newest first."""
        wanted = {
            RecordingRow.owner: caller.owner,
            RecordingRow.slug: slug,
            RecordingRow.event_id: event,
            RecordingRow.state: state,
        }
        query = newest_first(select(RecordingRow), RecordingRow.id, wanted, limit, cursor)
        with stage.database.read() as db:
            rows = list(db.scalars(query))
            sizes = _sizes(db, [row.id for row in rows])
        response.headers.update(NO_STORE)
        return page(rows, limit, lambda row: row.id, lambda row: _view(stage, row, sizes.get(row.id, 0)))

    # Before the one below, for which "status" would be a number that is none.
    @router.get("/recordings/status", responses=answers(401, 429, 503))
    def get_status(caller: viewer, response: Response) -> RecordingsStatus:
        """The archiver of each host, and how much is still to be done."""
        with stage.database.read() as db:
            document = _status(db, stage, caller)
        response.headers.update(NO_STORE)
        return document

    @router.get("/recordings/{recording_id}", responses=answers(401, 404, 422, 429, 503))
    def get_recording(recording_id: Id, caller: viewer, response: Response) -> Recording:
        """One recording, with its files."""
        with stage.database.read() as db:
            document = _with_files(db, stage, _found(db, recording_id, caller))
        response.headers.update(NO_STORE)
        return document

    @router.post("/recordings/{recording_id}/hold", responses=answers(401, 403, 404, 409, 413, 422, 429, 503))
    def hold(recording_id: Id, hold: Hold, caller: admin, response: Response) -> Recording:
        """Legal hold: nothing of it is removed, by nobody, until it is let go. A removal that was asked for is off."""
        now = stage.here.clock.now()
        with stage.database.write() as db:
            row = _found(db, recording_id, caller)
            _check_not_removed(row)
            if row.remote_removal_until is not None and row.remote_removal_until > now:
                raise HTTPException(409, "The store is removing the recording at this moment: it cannot be held.")
            row.held_at, row.held_by, row.hold_reason = row.held_at or now, caller.actor, hold.reason
            row.removal_asked_at = None
            _note(db, caller, "recording.hold", row, now, reason=hold.reason)
            document = _with_files(db, stage, row)
        response.headers.update(NO_STORE)
        return document

    @router.post("/recordings/{recording_id}/release", responses=answers(401, 403, 404, 422, 429, 503))
    def release(recording_id: Id, caller: admin, response: Response) -> Recording:
        """Let it go: retention goes on as the spec says. A second time changes nothing."""
        now = stage.here.clock.now()
        with stage.database.write() as db:
            row = _found(db, recording_id, caller)
            if row.held_at is not None:
                _note(db, caller, "recording.release", row, now, reason=row.hold_reason)
            row.held_at = row.held_by = row.hold_reason = None
            document = _with_files(db, stage, row)
        response.headers.update(NO_STORE)
        return document

    @router.post(
        "/recordings/{recording_id}/restore", status_code=202, responses=answers(401, 403, 404, 409, 422, 429, 503)
    )
    def restore(recording_id: Id, caller: operator, response: Response) -> Recording:
        """Ask for its files back on the disk of its host; the archiver there fetches them out of the store."""
        now = stage.here.clock.now()
        with stage.database.write() as db:
            row = _found(db, recording_id, caller)
            _check_not_removed(row)
            if row.removal_asked_at is not None:
                raise HTTPException(409, "The recording is being removed.")
            _check_in_reach(stage, row)
            files = _files(db, row)
            if not any(file.local_removed_at is not None and _in_store(file) for file in files):
                raise HTTPException(409, "Nothing of it is in the store alone: there is nothing to restore.")
            row.restore_asked_at = row.restore_asked_at or now
            _note(db, caller, "recording.restore", row, now)
            document = _with_files(db, stage, row)
        response.headers.update(NO_STORE)
        return document

    @router.delete("/recordings/{recording_id}", status_code=202, responses=answers(401, 403, 404, 409, 422, 429, 503))
    def remove(recording_id: Id, caller: admin, response: Response) -> Recording:
        """Ask for it to be removed, on its host and in the store. Nobody can watch it from this moment on."""
        now = stage.here.clock.now()
        with stage.database.write() as db:
            row = _found(db, recording_id, caller)
            _check_not_removed(row)
            if stage.facts.recordings is None or stage.facts.recordings.settings.archive is None:
                raise HTTPException(409, "Nothing is ever removed here: the spec has no recordings.archive.")
            _check_in_reach(stage, row)
            if row.held_at is not None:
                raise HTTPException(409, f"The recording is held ({row.hold_reason}): release it first.")
            session = db.get(SessionRow, row.session_id) if row.session_id is not None else None
            if row.state == RecordingState.RECORDING or (session is not None and session.ended_at is None):
                raise HTTPException(409, "Its session is on air.")
            row.removal_asked_at, row.restore_asked_at = row.removal_asked_at or now, None
            _note(db, caller, "recording.remove", row, now)
            document = _with_files(db, stage, row)
        response.headers.update(NO_STORE)
        return document

    return router


def _found(db: Session, recording_id: int, caller: Caller) -> RecordingRow:
    return found(db, RecordingRow, max(min(recording_id, 2**31 - 1), 0), caller, "recording")


def _check_not_removed(row: RecordingRow) -> None:
    if row.state == RecordingState.REMOVED:
        raise HTTPException(409, "The recording is removed: nothing of it is left.")


def _check_in_reach(stage: Backstage, row: RecordingRow) -> None:
    if fault := elsewhere(row, _archive(stage)):
        raise HTTPException(409, fault)


def _archive(stage: Backstage) -> Archive | None:
    return stage.facts.recordings.settings.archive if stage.facts.recordings is not None else None


def _note(db: Session, caller: Caller, action: str, row: RecordingRow, now: datetime, **detail: Any) -> None:
    note(db, actor=caller.actor, action=action, target=row.id, owner=row.owner, now=now, **detail)


def _files(db: Session, row: RecordingRow) -> list[RecordingFileRow]:
    query = select(RecordingFileRow).where(RecordingFileRow.recording_id == row.id).order_by(RecordingFileRow.name)
    return list(db.scalars(query))


def _in_store(file: RecordingFileRow) -> bool:
    return file.state == FileState.VERIFIED and file.remote_removed_at is None


def _view(stage: Backstage, row: RecordingRow, size: int, files: list[RecordingFile] | None = None) -> Recording:
    fault = row.fault or elsewhere(row, _archive(stage))
    derived = {"seconds": row.media_seconds, "bytes": size, "fault": fault, "files": files}
    known = {name: getattr(row, name) for name in Recording.model_fields if name not in derived}
    return Recording.model_validate({**known, **derived})


def _with_files(db: Session, stage: Backstage, row: RecordingRow) -> Recording:
    db.flush()
    files = [_file(stage, row, file) for file in _files(db, row)]
    return _view(stage, row, _sizes(db, [row.id]).get(row.id, 0), files)


def _file(stage: Backstage, row: RecordingRow, file: RecordingFileRow) -> RecordingFile:
    address = file_address(stage.facts, row, file, stage.here.clock.now())
    derived = {
        "here": file.local_removed_at is None,
        "in_store": _in_store(file),
        "url": address.url if address else None,
        "url_until": address.until if address else None,
    }
    known = {name: getattr(file, name) for name in RecordingFile.model_fields if name not in derived}
    return RecordingFile.model_validate({**known, **derived})


def _sizes(db: Session, recordings: list[int]) -> dict[int, int]:
    """Of the file that plays, or of the raw parts."""
    of = {kind: func.sum(case((RecordingFileRow.kind == kind, RecordingFileRow.bytes), else_=0)) for kind in SIZED}
    query = (
        select(RecordingFileRow.recording_id, *of.values())
        .where(RecordingFileRow.recording_id.in_(recordings))
        .group_by(RecordingFileRow.recording_id)
    )
    return {number: int(video or raw or 0) for number, video, raw in db.execute(query)}


def _status(db: Session, stage: Backstage, caller: Caller) -> RecordingsStatus:
    facts, left = stage.facts.recordings, backlog(db, caller.owner)
    mode = "absent" if facts is None else "local" if facts.settings.archive is None else "archive"
    return RecordingsStatus.model_validate(
        {
            "mode": mode,
            "replay": facts.settings.replay.mode if facts is not None and mode == "archive" else "off",
            "recordings": left.states,
            "local_bytes": left.local_bytes,
            "waiting_bytes": left.waiting_bytes,
            "waiting_sent_bytes": left.waiting_sent_bytes,
            "archivers": [
                Archiver.model_validate(row, from_attributes=True)
                for row in db.scalars(select(ArchiverRow).order_by(ArchiverRow.host))
            ],
        }
    )
