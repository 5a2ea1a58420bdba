"""Recordings for the audience through nginx@web: the app says which, nginx fetches and keeps them."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, HTTPException, Response
from sqlalchemy import select

from headend.model.recordings import Archive
from headend.model.store import is_proxied, object_path, store_origin
from hooks_app.api.access import Access
from hooks_app.api.backstage import Backstage
from hooks_app.recording_tables import RecordingFileRow, RecordingRow
from hooks_app.replays import is_watched, signed_is_good
from hooks_app.store_address import StoreAddress
from hooks_app.tokens import Caller

INTERNAL: Final = "/.replay"
"""The location of nginx@web that nobody reaches from outside (templates/nginx/replay-location.j2)."""
KINDS: Final = {
    "mp4": "video/mp4",
    "m3u8": "application/vnd.apple.mpegurl",
    "ts": "video/mp2t",
    "m4s": "video/iso.segment",
    "jpg": "image/jpeg",
    "vtt": "text/vtt",
}
"""By the end of the name: what the store says a file is, counts for nothing."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_QUERY: Final = re.compile(r"[A-Za-z0-9&=%._~+-]{1,1900}")
_PORTS: Final = {"https": 443, "http": 80}


def replay_routes(stage: Backstage, access: Access) -> APIRouter:
    """/replay. Not in the API's description: without nginx@web the answer says nothing to anybody."""
    router = APIRouter(include_in_schema=False)
    public = Annotated[Caller | None, Depends(access.public())]
    addresses = StoreAddress(stage.here.clock)

    # A HEAD of nginx's is the client's own.
    @router.api_route("/replay/{recording_id}/{name}", methods=["GET", "HEAD"])
    def get_file(recording_id: int, name: str, caller: public) -> Response:
        """Where nginx@web finds a file of a recording."""
        archive = _archive(stage)
        signed = _signed(stage, recording_id, name) if archive is not None else None
        if archive is None or signed is None:
            raise HTTPException(404, "There is no such recording, or not any more.")
        url, key = signed
        parts, origin = urlsplit(url), urlsplit(store_origin(archive))
        # What the archiver wrote is believed only as far as it is of this store and this file.
        is_ours = (parts.scheme, parts.netloc, parts.path) == (origin.scheme, origin.netloc, object_path(archive, key))
        if not is_ours or not _QUERY.fullmatch(parts.query) or ".." in parts.path or "%" in parts.path:
            raise HTTPException(404, "There is no such recording, or not any more.")
        address = addresses.of(str(origin.hostname), origin.port or _PORTS[origin.scheme])
        where = f"{INTERNAL}/{address}/{recording_id}/{name}{parts.path}?{parts.query}"
        kind = KINDS.get(name.rpartition(".")[2], "application/octet-stream")
        return Response(headers={"X-Accel-Redirect": where}, media_type=kind)

    return router


def _archive(stage: Backstage) -> Archive | None:
    facts = stage.facts.recordings
    return facts.settings.archive if facts is not None and is_proxied(facts.settings) else None


def _signed(stage: Backstage, recording_id: int, name: str) -> tuple[str, str] | None:
    """URL and key of a file that the audience may have."""
    if not 0 < recording_id < 2**31 or not _NAME.fullmatch(name):
        return None
    query = (
        select(RecordingRow, RecordingFileRow)
        .join(RecordingFileRow, RecordingFileRow.recording_id == RecordingRow.id)
        .where(RecordingRow.id == recording_id, RecordingFileRow.name == name)
    )
    with stage.database.read() as db:
        found = db.execute(query).one_or_none()
    if found is None:
        return None
    recording, file = found
    now = stage.here.clock.now()
    if not is_watched(stage.facts, recording) or not signed_is_good(file, now) or file.object_key is None:
        return None
    return str(file.replay_url), str(file.object_key)
