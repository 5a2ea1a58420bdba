"""Does a file reach a real store, and is it known to be there?"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from headend.model.recordings import MIB
from hooks_app.archive.journal import Begun
from hooks_app.archive.manifest import (
    ArchivedEvent,
    ArchivedFile,
    ArchivedRecording,
    event_manifest,
    recording_manifest,
)
from hooks_app.archive.states import FileState
from hooks_app.archive.store import StoppedError, StoreError
from hooks_app.archive.throttle import Throttle
from hooks_app.archive.upload import part_bytes_of
from tests.archive_store.conftest import PART, Shelf, sha256

KEY = "recordings/demo/1/demo.mp4"


@pytest.mark.parametrize("size", [0, 1, 100_000, PART, PART + 1, 3 * PART + 12_345])
@pytest.mark.parametrize("checksums", ["always", "when_required"])
def test_a_file_of_any_size_arrives_and_its_own_etag_says_so(shelf: Shelf, size: int, checksums: str) -> None:
    file, path = shelf.file(size)
    after = shelf.upload(shelf.store(checksums=checksums), file, path)
    assert (after.state, shelf.journal.how(file.id)) == (FileState.VERIFIED, "etag")
    assert after.sha256 == sha256(path) == shelf.sha256_there(KEY)
    assert sum(shelf.progress) == size
    head = shelf.looker.head_object(Bucket=shelf.bucket, Key=KEY)
    assert head["ContentType"] == "video/mp4"
    assert head["Metadata"] == {"recording": "1", "slug": "demo", "sha256": after.sha256}
    assert shelf.multiparts() == []


@pytest.mark.parametrize("checksums", ["always", "when_required"])
@pytest.mark.parametrize("size, how", [(100_000, "etag"), (2 * PART + 1, "reread")])
def test_a_store_whose_etags_are_its_own_is_read_back(awkward: Shelf, size: int, how: str, checksums: str) -> None:
    file, path = awkward.file(size)
    after = awkward.upload(awkward.store(checksums=checksums), file, path)
    assert (after.state, awkward.journal.how(file.id)) == (FileState.VERIFIED, how)
    assert awkward.sha256_there(KEY) == sha256(path)


@pytest.mark.parametrize("which", ["shelf", "awkward"])
def test_what_was_archived_comes_back_whole(request: pytest.FixtureRequest, which: str) -> None:
    shelf: Shelf = request.getfixturevalue(which)
    file, path = shelf.file(2 * PART + 7)
    store = shelf.store()
    after = shelf.upload(store, file, path)
    back = shelf.folder / "back"
    with back.open("wb") as out:
        store.fetch(after, out.fileno())
    assert back.read_bytes() == path.read_bytes()


def test_what_comes_back_otherwise_is_not_kept(shelf: Shelf) -> None:
    file, path = shelf.file(1000)
    store = shelf.store()
    after = shelf.upload(store, file, path)
    shelf.looker.put_object(Bucket=shelf.bucket, Key=KEY, Body=bytes(1000))
    back = shelf.folder / "back"
    with back.open("wb") as out, pytest.raises(StoreError, match="SHA-256 is not what was archived") as caught:
        store.fetch(after, out.fileno())
    assert not caught.value.retry
    assert back.stat().st_size == 0


def test_a_stopped_upload_goes_on_where_it_was(shelf: Shelf) -> None:
    file, path = shelf.file(6 * PART)
    with pytest.raises(StoppedError) as caught:
        shelf.upload(shelf.store(parallel_parts=1), file, path, stop=lambda: len(shelf.progress) >= 2)
    assert caught.value.retry
    before = shelf.journal.parts(file.id)
    assert 2 <= len(before) < 6
    assert shelf.journal.file(file.id).state is FileState.UPLOADING
    shelf.progress.clear()
    # With other settings: an upload keeps the parts that it was begun with.
    after = shelf.upload(shelf.store(part_mib=7), file, path)
    assert after.state is FileState.VERIFIED
    assert sum(shelf.progress) == (6 - len(before)) * PART
    assert shelf.sha256_there(KEY) == sha256(path)


def test_parts_that_the_journal_does_not_know_are_known_by_their_hash(shelf: Shelf) -> None:
    file, path = shelf.file(3 * PART)
    with pytest.raises(StoppedError):
        shelf.upload(shelf.store(parallel_parts=1), file, path, stop=lambda: len(shelf.progress) >= 2)
    upload_id, sent = shelf.journal.file(file.id).upload_id, len(shelf.journal.parts(file.id))
    shelf.journal.begun(file.id, upload_id or "", PART, "crc32")
    shelf.progress.clear()
    shelf.upload(shelf.store(), file, path)
    assert sum(shelf.progress) == (3 - sent) * PART


def test_an_upload_that_the_store_has_forgotten_begins_anew(shelf: Shelf) -> None:
    file, path = shelf.file(3 * PART)
    with pytest.raises(StoppedError):
        shelf.upload(shelf.store(parallel_parts=1), file, path, stop=lambda: len(shelf.progress) >= 1)
    upload_id = shelf.journal.file(file.id).upload_id or ""
    shelf.looker.abort_multipart_upload(Bucket=shelf.bucket, Key=KEY, UploadId=upload_id)
    assert shelf.upload(shelf.store(), file, path).state is FileState.VERIFIED
    assert shelf.journal.restarts(file.id) == 1
    assert shelf.sha256_there(KEY) == sha256(path)


def test_a_part_that_is_another_one_there_is_sent_again(shelf: Shelf) -> None:
    file, path = shelf.file(3 * PART)
    with pytest.raises(StoppedError):
        shelf.upload(shelf.store(parallel_parts=1), file, path, stop=lambda: len(shelf.progress) >= 1)
    upload_id = shelf.journal.file(file.id).upload_id or ""
    shelf.looker.upload_part(Bucket=shelf.bucket, Key=KEY, UploadId=upload_id, PartNumber=1, Body=bytes(PART))
    shelf.upload(shelf.store(), file, path)
    assert shelf.sha256_there(KEY) == sha256(path)


def test_what_was_complete_before_a_kill_is_only_verified(shelf: Shelf) -> None:
    file, path = shelf.file(2 * PART)
    shelf.upload(shelf.store(), file, path)
    shelf.journal.stored(file.id, "whatever")
    shelf.progress.clear()
    assert shelf.upload(shelf.store(), file, path).state is FileState.VERIFIED
    assert shelf.progress == []


@pytest.mark.parametrize("size", [1000, 2 * PART])
def test_a_file_that_is_not_what_was_finished_is_not_sent(shelf: Shelf, size: int) -> None:
    file, path = shelf.file(size)
    shelf.journal.read(file.id, hashlib.sha256(b"another").hexdigest())
    with pytest.raises(StoreError, match=r"demo\.mp4: its SHA-256 is not what it was") as caught:
        shelf.upload(shelf.store(), file, path)
    assert not caught.value.retry
    assert shelf.listed() == []
    with path.open("ab") as out:
        out.write(b"more")
    with pytest.raises(StoreError, match=f"it has {size + 4} bytes, and was {size}"):
        shelf.upload(shelf.store(), file, path)


def test_a_file_that_changes_while_it_goes_out_is_never_called_archived(shelf: Shelf) -> None:
    file, path = shelf.file(4 * PART)

    def stop() -> bool:
        # Asked between parts; the size stays.
        if len(shelf.progress) == 1:
            with path.open("r+b") as out:
                out.seek(3 * PART)
                out.write(b"changed")
        return False

    with pytest.raises(StoreError, match=r"changed it while|not what was sent") as caught:
        shelf.upload(shelf.store(parallel_parts=1), file, path, stop=stop)
    assert caught.value.retry
    assert shelf.journal.file(file.id).state is not FileState.VERIFIED
    assert shelf.listed() == []


def test_only_own_uploads_that_are_old_and_unknown_are_aborted(shelf: Shelf) -> None:
    def begin(key: str) -> str:
        return shelf.looker.create_multipart_upload(Bucket=shelf.bucket, Key=key)["UploadId"]

    known, forgotten = begin("recordings/a"), begin("recordings/b")
    foreign = [begin("other/c"), begin("recordings-of-others/d")]
    store, day, asked = shelf.store(), timedelta(hours=24), list[str]()

    def orphans(begun: Sequence[Begun]) -> list[Begun]:
        asked.extend(upload.upload_id for upload in begun)
        return [upload for upload in begun if upload.upload_id != known]

    assert store.abort_stale(orphans, day) == 0
    assert asked == []
    assert store.abort_stale(orphans, day, datetime.now(UTC) + timedelta(hours=25)) == 1
    assert sorted(shelf.multiparts()) == sorted([known, *foreign])
    assert sorted(asked) == sorted([known, forgotten])


def test_more_stale_uploads_than_one_answer_lists_are_all_aborted(shelf: Shelf) -> None:
    for number in range(45):
        shelf.looker.create_multipart_upload(Bucket=shelf.bucket, Key=f"recordings/{number}")
    assert shelf.store().abort_stale(list, timedelta(hours=24), datetime.now(UTC) + timedelta(hours=25)) == 45
    assert shelf.multiparts() == []


def test_a_store_that_says_in_its_own_way_that_there_is_none_is_understood(awkward: Shelf) -> None:
    assert awkward.store().abort_stale(list, timedelta(hours=24)) == 0


def test_a_presigned_url_plays_and_ends(shelf: Shelf) -> None:
    file, path = shelf.file(50_000)
    store = shelf.store()
    shelf.upload(store, file, path)
    url = store.presigned(KEY, 2)
    assert shelf.place.secret not in url
    answer = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=10)
    assert (answer.status_code, answer.content) == (206, path.read_bytes()[10:20])
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == 'inline; filename="demo.mp4"'
    time.sleep(3)
    assert requests.get(url, timeout=10).status_code == 403
    with pytest.raises(StoreError, match="a URL is good for"):
        store.presigned(KEY, 8 * 24 * 3600)


def test_a_store_that_marks_a_piece_as_the_whole_is_known(shelf: Shelf, awkward: Shelf) -> None:
    for one, mislabels in ((shelf, False), (awkward, True)):
        file, path = one.file(100_000)
        one.upload(one.store(), file, path)
        assert one.store().mislabels_pieces(file.object_key) == mislabels
        with pytest.raises(StoreError):
            one.store().mislabels_pieces(f"{file.object_key}-gone")


def test_texts_are_put_and_removed_below_the_prefix_only(shelf: Shelf) -> None:
    store = shelf.store()
    keys = [f"recordings/x/{number}.json" for number in range(3)]
    for key in keys:
        store.put_text(key, '{"ä": 1}\n', {"recording": "1"})
    assert shelf.listed() == keys
    assert shelf.looker.get_object(Bucket=shelf.bucket, Key=keys[0])["Body"].read() == '{"ä": 1}\n'.encode()
    store.remove([*keys[:2], "recordings/x/never.json"])
    assert shelf.listed() == keys[2:]
    for foreign in ("other/x", "recordings-of-others/x", ""):
        with pytest.raises(StoreError, match="not below recordings/"):
            store.remove([foreign])
        with pytest.raises(StoreError, match="not below recordings/"):
            store.put_text(foreign, "", {})


def test_a_removal_of_more_than_one_request_takes(shelf: Shelf) -> None:
    store = shelf.store()
    store.put_text("recordings/last.json", "{}", {})
    store.remove([*(f"recordings/{number}" for number in range(101)), "recordings/last.json"])
    assert shelf.listed() == []


def test_eight_megabit_are_eight_megabit(shelf: Shelf) -> None:
    file, path = shelf.file(MIB)
    store = shelf.store(upload_kbps=8000)
    began = time.monotonic()
    shelf.upload(store, file, path)
    seconds = time.monotonic() - began
    ideal = MIB * 8 / 8_000_000
    print(f"1 MiB at 8 Mbit/s: {seconds:.2f} s, ideally {ideal:.2f} s: {seconds / ideal:.2f}")
    assert ideal * 0.8 < seconds < ideal * 1.2 + 0.3


def test_many_threads_share_one_rate() -> None:
    now = [0.0]
    throttle = Throttle(1000, lambda: now[0], lambda seconds: now.__setitem__(0, now[0] + seconds))
    for _ in range(100):
        throttle.take(100)
    assert now[0] == pytest.approx(10.0, rel=0.02)
    now[0] += 60
    throttle.take(100)
    throttle.take(1000)
    # A minute's silence was not saved up.
    assert now[0] == pytest.approx(71.0, abs=0.2)


@pytest.mark.parametrize(
    "size, expected_mib", [(0, 16), (16 * MIB * 9000, 16), (16 * MIB * 9000 + 1, 17), (5 * 1024**4, 583)]
)
def test_parts_are_as_big_as_they_have_to_be(size: int, expected_mib: int) -> None:
    assert part_bytes_of(size, 16) == expected_mib * MIB
    assert -(-size // part_bytes_of(size, 16)) <= 9000


def test_manifests_say_what_is_there_and_always_the_same() -> None:
    def recording(number: int) -> ArchivedRecording:
        files = [
            ArchivedFile(
                name=name,
                kind="video",
                key=f"recordings/demo/{number}/{name}",
                bytes=5,
                sha256="ab" * 32,
                etag="cd-2",
                verified_by="etag",
            )
            for name in ("b.mp4", "a.mp4")
        ]
        return ArchivedRecording(
            id=number,
            slug="demo",
            owner="site",
            host="origin-1",
            number=number,
            started_at=datetime(2026, 11, 28, 6, number, tzinfo=UTC),
            ended_at=None,
            media_seconds=1.5,
            codecs={"video": "h264"},
            files=files,
        )

    one = json.loads(recording_manifest(recording(1)))
    assert (one["schema"], one["kind"], one["recording"]["started_at"]) == (1, "recording", "2026-11-28T06:01:00Z")
    assert [file["name"] for file in one["files"]] == ["a.mp4", "b.mp4"]
    event = ArchivedEvent(
        id=7, slug="demo", title="Öffnung", starts_at=datetime(2026, 11, 28, tzinfo=UTC), ends_at=None
    )
    text = event_manifest(event, [recording(2), recording(1)])
    assert text == event_manifest(event, [recording(1), recording(2)])
    assert [told["recording"]["id"] for told in json.loads(text)["recordings"]] == [1, 2]


def test_nothing_around_the_client_has_a_say(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        text = "[default]\nregion = mars-1\naws_access_key_id = X\naws_secret_access_key = Y\nendpoint_url = http://127.0.0.1:9\n"
        (tmp_path / ".aws" / name).write_text(text)
    for name, value in {
        "HOME": str(tmp_path),
        "AWS_PROFILE": "nobody",
        "AWS_ACCESS_KEY_ID": "X",
        "AWS_SECRET_ACCESS_KEY": "Y",
        "AWS_SESSION_TOKEN": "Z",
        "AWS_DEFAULT_REGION": "mars-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_CA_BUNDLE": "/nowhere",
        "AWS_MAX_ATTEMPTS": "99",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "nonsense",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    file, path = shelf.file(1000)
    assert shelf.upload(shelf.store(), file, path).state is FileState.VERIFIED
    assert shelf.store(endpoint=None).presigned(KEY, 60).startswith("https://s3.amazonaws.com/")
