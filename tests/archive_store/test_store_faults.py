"""Whatever road and store do: is a file called archived only when it is there, and does it get there in the end?"""

from __future__ import annotations

import datetime
import itertools
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import botocore.auth
import pytest

from headend.model.recordings import MIB
from hooks_app.archive.journal import StoredFile
from hooks_app.archive.states import FileState
from hooks_app.archive.store import StoppedError, Store, StoreError
from testbed.swift import Swift
from tests.archive_store.conftest import PART, Shelf, sha256
from tests.support.fault_proxy import Asked, Cut, Fault, FaultProxy, Lie, Lose, Say, answer_of_store

KEY = "recordings/demo/1/demo.mp4"


def goes_on(shelf: Shelf, store: Store, file: StoredFile, path: Path, most: int = 60) -> int:
    """Try as the archiver does until it is verified; returns how often it could not."""
    for faults in range(most):
        fault: StoreError | None = None
        try:
            shelf.upload(store, file, path)
        except StoreError as error:
            fault = error
        verified = shelf.journal.file(file.id).state is FileState.VERIFIED
        assert verified == (fault is None)
        if fault is None:
            assert shelf.sha256_there(KEY) == sha256(path)
            assert shelf.multiparts() == []
            return faults
        assert fault.retry, fault
    raise AssertionError(f"not archived after {most} attempts")


def test_a_store_that_goes_down_in_the_midst_gets_the_rest_when_it_is_back(
    swift: Swift, far: Shelf, proxy: FaultProxy
) -> None:
    file, path = far.file(6 * PART)
    store = far.store(parallel_parts=2)

    def rule(asked: Asked) -> Fault | None:
        if asked.part is not None and asked.part[1] == 4 and swift.programs["object"].alive():
            swift.programs["object"].stop(signal.SIGKILL)
        return None

    proxy.rule = rule
    try:
        with pytest.raises(StoreError, match=r"store http://\S+ headend-\S+: .*It is tried again") as caught:
            far.upload(store, file, path)
    finally:
        proxy.rule = lambda asked: None
        swift.restart("object")
    assert caught.value.retry
    had = far.journal.parts(file.id)
    assert had
    proxy.taken.clear()
    goes_on(far, store, file, path)
    assert not {number for _, number in proxy.taken} & set(had)
    assert far.journal.restarts(file.id) == 0


def test_one_reset_in_a_hundred_blocks_only_takes_longer(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(6 * PART + 99)
    proxy.reset_chance = 0.01
    faults = goes_on(far, far.store(), file, path)
    proxy.reset_chance = 0.0
    print(f"{faults} rounds in vain, {len(proxy.taken)} bodies went through for 7 parts")


def test_connections_that_break_while_it_comes_back_are_gone_on_with(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(4 * PART)
    store = far.store()
    after = far.upload(store, file, path)
    proxy.reset_chance = 0.02
    back = far.folder / "back"
    with back.open("wb") as out:
        store.fetch(after, out.fileno())
    assert sha256(back) == sha256(path)
    assert sum(asked.method == "GET" and "range" in asked.headers for asked in proxy.asked) > 0


def test_a_slow_line_is_slow_and_nothing_else(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(60_000)
    proxy.bytes_per_second = 10_000
    began = time.monotonic()
    assert far.upload(far.store(), file, path).state is FileState.VERIFIED
    assert time.monotonic() - began > 5


def test_an_upload_over_a_slow_line_ends_soon_when_it_is_told_to_and_goes_on_later(
    far: Shelf, proxy: FaultProxy
) -> None:
    file, path = far.file(3 * PART)
    proxy.bytes_per_second = 10_000
    over = threading.Event()
    timer = threading.Timer(2, over.set)
    timer.start()
    began = time.monotonic()
    with pytest.raises(StoppedError):
        far.upload(far.store(), file, path, stop=over.is_set)
    took = time.monotonic() - began
    proxy.bytes_per_second = 0
    goes_on(far, far.store(), file, path)
    assert took < 30


@pytest.mark.parametrize("size", [70_000, 2 * PART + 5])
@pytest.mark.parametrize("etag", ['"00000000000000000000000000000000"', '"00000000000000000000000000000000-3"', '""'])
def test_a_wrong_etag_is_looked_into_and_never_believed(far: Shelf, proxy: FaultProxy, size: int, etag: str) -> None:
    file, path = far.file(size)
    proxy.rule = lambda asked: Lie({"ETag": etag}) if asked.method == "HEAD" else None
    goes_on(far, far.store(), file, path)
    assert far.journal.how(file.id) == "reread"


@pytest.mark.parametrize("size", [70_000, 2 * PART + 5])
def test_an_echo_of_the_right_hash_does_not_help_an_object_that_is_wrong(
    swift: Swift, far: Shelf, proxy: FaultProxy, size: int
) -> None:
    file, path = far.file(size)
    spoilt = 0

    def rule(asked: Asked) -> Fault | None:
        nonlocal spoilt
        if asked.method == "HEAD" and spoilt == 0 and KEY in far.listed():
            # Somebody puts something else there, with all that our object says of itself.
            spoilt += 1
            metadata = {"sha256": sha256(path)}
            far.looker.put_object(Bucket=far.bucket, Key=KEY, Body=bytes(size), Metadata=metadata)
        return None

    proxy.rule = rule
    with pytest.raises(StoreError, match="what is there is not what was sent") as caught:
        far.upload(far.store(), file, path)
    assert caught.value.retry
    assert far.journal.file(file.id).state is FileState.LOCAL
    assert far.journal.restarts(file.id) == 1
    assert far.listed() == []
    goes_on(far, far.store(), file, path)


def test_an_object_of_somebody_else_is_not_removed(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(70_000)

    def rule(asked: Asked) -> Fault | None:
        if asked.method == "HEAD" and KEY in far.listed():
            far.looker.put_object(Bucket=far.bucket, Key=KEY, Body=b"theirs")
        return None

    proxy.rule = rule
    with pytest.raises(StoreError, match="what is there is not what was sent"):
        far.upload(far.store(), file, path)
    assert far.listed() == [KEY]


def test_a_store_that_found_something_else_in_a_part_gets_it_again(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(3 * PART)
    faults = [answer_of_store(400, "BadDigest")]
    proxy.rule = lambda asked: faults.pop() if asked.part is not None and faults else None
    store = far.store()
    with pytest.raises(StoreError, match="what arrived is not what was sent") as caught:
        far.upload(store, file, path)
    assert caught.value.retry
    goes_on(far, store, file, path)


@pytest.mark.parametrize("where", ["part", "single"])
def test_bytes_that_change_on_the_road_are_noticed_by_the_store(far: Shelf, proxy: FaultProxy, where: str) -> None:
    size = 3 * PART if where == "part" else 70_000
    file, path = far.file(size)
    held: list[bool] = [True]
    # The sender waits for the word to go on, and the file is changed before it comes.
    proxy.expecting = "never"

    def rule(asked: Asked) -> Fault | None:
        if asked.method == "PUT" and held:
            held.pop()
            with path.open("r+b") as out:
                out.write(b"other")
        return None

    proxy.rule = rule
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"not what was sent|changed it while"):
        far.upload(far.store(), file, path)
    assert far.listed() == []
    path.write_bytes(before)
    proxy.expecting = "right"
    goes_on(far, far.store(), file, path)


@pytest.mark.parametrize(
    "status, name, words",
    [
        (507, "InsufficientStorage", "the store is full. Make room there"),
        (503, "ServiceUnavailable", "cannot serve at the moment, or is full. It is tried again"),
        (503, "SlowDown", "asks for fewer requests"),
        (500, "InternalError", "the store failed. It is tried again"),
    ],
)
def test_a_store_that_takes_nothing_now_gets_it_later(
    far: Shelf, proxy: FaultProxy, status: int, name: str, words: str
) -> None:
    file, path = far.file(3 * PART)
    proxy.rule = lambda asked: answer_of_store(status, name) if asked.part and asked.part[1] == 2 else None
    store = far.store()
    with pytest.raises(StoreError, match=words) as caught:
        far.upload(store, file, path)
    assert caught.value.retry
    proxy.rule = lambda asked: None
    goes_on(far, store, file, path)


def test_a_store_whose_disk_is_full_is_a_sentence_and_no_loss(swift: Swift, shelf: Shelf) -> None:
    file, path = shelf.file(2 * PART)
    store = shelf.store()
    swift.restart("object", reserve="100%")
    try:
        with pytest.raises(StoreError, match="full") as caught:
            shelf.upload(store, file, path)
    finally:
        swift.restart("object")
    assert caught.value.retry
    goes_on(shelf, store, file, path)


@pytest.mark.parametrize("minutes", [20, -20])
def test_a_clock_that_is_wrong_is_named(shelf: Shelf, minutes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    file, path = shelf.file(3 * PART)
    right = botocore.auth.get_current_datetime
    apart = datetime.timedelta(minutes=minutes)

    class Wrong(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Wrong:
            moment = datetime.datetime.now(tz) + apart
            return cls.fromtimestamp(moment.timestamp(), tz)

    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *more, **named: right(*more, **named) + apart)
    monkeypatch.setattr("hooks_app.archive.store_fault.datetime", Wrong)
    store = shelf.store()
    side = "ahead of" if minutes > 0 else "behind"
    with pytest.raises(StoreError, match=f"clock is 20 minutes {side} the store's. Set the clocks") as caught:
        shelf.upload(store, file, path)
    assert caught.value.retry
    monkeypatch.undo()
    goes_on(shelf, store, file, path)


@pytest.mark.parametrize("oddity", ["never", "twice"])
def test_a_store_that_is_odd_about_100_continue_gets_it_all_the_same(
    far: Shelf, proxy: FaultProxy, oddity: str
) -> None:
    file, path = far.file(2 * PART)
    proxy.expecting = oddity  # type: ignore[assignment]
    assert goes_on(far, far.store(), file, path) == 0


def test_a_refusal_before_the_body_is_a_sentence(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(2 * PART)
    proxy.expecting = "final"
    store = far.store()
    with pytest.raises(StoreError, match="asks for fewer requests") as caught:
        far.upload(store, file, path)
    assert caught.value.retry
    proxy.expecting = "right"
    goes_on(far, store, file, path)


def test_an_answer_to_complete_that_is_lost_is_settled_by_asking(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(2 * PART)
    proxy.rule = lambda asked: Lose() if asked.completes else None
    assert goes_on(far, far.store(), file, path) == 0
    assert far.journal.restarts(file.id) == 0


def test_an_error_in_the_body_of_a_200_is_an_error(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(2 * PART)
    said = answer_of_store(200, "InternalError")
    proxy.rule = lambda asked: said if asked.completes else None
    store = far.store()
    with pytest.raises(StoreError, match="the store failed") as caught:
        far.upload(store, file, path)
    assert caught.value.retry
    assert far.journal.file(file.id).state is FileState.UPLOADING
    had = far.journal.parts(file.id)
    proxy.rule = lambda asked: None
    proxy.taken.clear()
    goes_on(far, store, file, path)
    assert len(had) == 2
    assert proxy.taken == []


def test_parts_that_the_store_lost_are_sent_anew(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(2 * PART)
    faults = [answer_of_store(400, "InvalidPart")]
    proxy.rule = lambda asked: faults.pop() if asked.completes and faults else None
    store = far.store()
    with pytest.raises(StoreError, match="has lost this upload") as caught:
        far.upload(store, file, path)
    assert caught.value.retry
    assert goes_on(far, store, file, path) == 0


def test_a_wrong_etag_of_a_part_is_found_out_when_the_store_is_to_join_them(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(2 * PART)
    lies = [Lie({"ETag": f'"{"0" * 32}"'})]
    proxy.rule = lambda asked: lies.pop() if asked.part is not None and lies else None
    assert goes_on(far, far.store(), file, path) == 1
    assert far.journal.restarts(file.id) == 1


@pytest.mark.parametrize("size", [70_000, 2 * PART + 5])
def test_a_wrong_checksum_in_an_answer_is_no_word_that_anybody_listens_to(
    far: Shelf, proxy: FaultProxy, size: int
) -> None:
    file, path = far.file(size)
    echo = Lie({"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-type": "FULL_OBJECT"})
    proxy.rule = lambda asked: echo
    store = far.store()
    assert goes_on(far, store, file, path) == 0
    assert far.journal.how(file.id) == "etag"
    with (far.folder / "back").open("wb") as out:
        store.fetch(far.journal.file(file.id), out.fileno())
    assert sha256(far.folder / "back") == sha256(path)


@pytest.mark.parametrize("size", [1000, 2 * PART])
def test_a_wrong_key_a_strange_bucket_and_a_closed_door_are_sentences(shelf: Shelf, size: int) -> None:
    file, path = shelf.file(size)
    for store, words in (
        (shelf.store(secret="not the secret"), "the secret is not its own. Correct access_key_id"),
        (shelf.store(access_key_id="nobody:atall"), "does not know this access key"),
        (shelf.store(bucket="headend-none-such"), "there is no such bucket. Make it"),
    ):
        with pytest.raises(StoreError, match=words) as caught:
            shelf.upload(store, file, path)
        assert not caught.value.retry
        assert shelf.place.secret not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_access_denied_and_a_lock_are_sentences(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(1000)
    proxy.rule = lambda asked: answer_of_store(403, "AccessDenied") if asked.method == "PUT" else None
    with pytest.raises(StoreError, match=r"access denied\. Give this key what `headend archive policy` prints"):
        far.upload(far.store(), file, path)
    body = b"<DeleteResult><Error><Key>recordings/a</Key><Code>AccessDenied</Code><Message>Access Denied because object"
    body += b" protected by object lock.</Message></Error></DeleteResult>"
    proxy.rule = lambda asked: Say(200, body, {"Content-Type": "application/xml"}) if asked.method == "POST" else None
    with pytest.raises(StoreError, match="recordings/a: object lock keeps it") as caught:
        far.store().remove(["recordings/a"])
    assert not caught.value.retry


@pytest.mark.parametrize("size", [1000, 2 * PART])
def test_a_store_that_does_not_say_what_is_missing_gets_it_all_the_same(
    far: Shelf, proxy: FaultProxy, size: int
) -> None:
    """Amazon's, to a key that may list no more than a prefix."""
    file, path = far.file(size)

    def rule(asked: Asked) -> Fault | None:
        missing = asked.method in ("HEAD", "GET") and asked.path.endswith(KEY) and KEY not in far.listed()
        return answer_of_store(403, "AccessDenied") if missing and "uploadId" not in asked.query else None

    proxy.rule = rule
    assert goes_on(far, far.store(), file, path) == 0


def test_an_upload_that_is_gone_from_a_store_that_does_not_say_what_is_missing_begins_anew(
    far: Shelf, proxy: FaultProxy
) -> None:
    file, path = far.file(3 * PART)
    with pytest.raises(StoppedError):
        far.upload(far.store(parallel_parts=1), file, path, stop=lambda: len(far.progress) >= 1)
    upload_id = far.journal.file(file.id).upload_id or ""
    far.looker.abort_multipart_upload(Bucket=far.bucket, Key=KEY, UploadId=upload_id)

    def rule(asked: Asked) -> Fault | None:
        missing = asked.method in ("HEAD", "GET") and asked.path.endswith(KEY) and KEY not in far.listed()
        return answer_of_store(403, "AccessDenied") if missing and "uploadId" not in asked.query else None

    proxy.rule = rule
    assert goes_on(far, far.store(), file, path) == 0
    assert far.journal.restarts(file.id) == 1


def test_a_key_that_may_nothing_is_a_sentence_before_anything_is_sent(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(2 * PART)
    proxy.rule = lambda asked: answer_of_store(403, "AccessDenied")
    with pytest.raises(StoreError, match=r"access denied\. Give this key what `headend archive policy` prints"):
        far.upload(far.store(), file, path)
    assert proxy.taken == []


@pytest.mark.parametrize("first, then", [("always", "when_required"), ("when_required", "always")])
def test_other_checksums_in_the_midst_of_an_upload_begin_it_anew(
    far: Shelf, proxy: FaultProxy, first: str, then: str
) -> None:
    """Amazon's refuses parts that are sent otherwise than the upload was begun."""
    file, path = far.file(3 * PART)
    with pytest.raises(StoppedError):
        far.upload(far.store(parallel_parts=1, checksums=first), file, path, stop=lambda: len(far.progress) >= 1)
    begun = far.journal.file(file.id).upload_id
    checked = dict.fromkeys([begun or ""], first == "always")

    def rule(asked: Asked) -> Fault | None:
        if asked.part is None:
            return None
        has = "x-amz-checksum-crc32" in asked.headers
        return None if checked.setdefault(asked.part[0], has) == has else answer_of_store(400, "InvalidRequest")

    proxy.rule = rule
    assert goes_on(far, far.store(checksums=then), file, path) == 0
    assert far.journal.restarts(file.id) == 1
    assert begun not in far.multiparts()


@pytest.mark.parametrize("size", [1000, 2 * PART])
@pytest.mark.parametrize("checksums", ["always", "when_required"])
def test_the_store_is_never_told_the_md5_by_which_it_is_judged(
    far: Shelf, proxy: FaultProxy, size: int, checksums: str
) -> None:
    file, path = far.file(size)
    store = far.store(checksums=checksums)
    far.upload(store, file, path)
    store.put_text("recordings/x.json", "{}", {})
    sent = [asked for asked in proxy.asked if asked.method == "PUT"]
    assert sent
    for asked in sent:
        assert "content-md5" not in asked.headers
        assert ("x-amz-checksum-crc32" in asked.headers) == (checksums == "always")
        # What was damaged on the way is noticed all the same: the signature holds the hash of it.
        assert len(asked.headers["x-amz-content-sha256"]) == 64
    assert far.journal.how(file.id) == "etag"


def test_a_slow_line_is_told_from_one_that_hangs(far: Shelf, proxy: FaultProxy) -> None:
    """By bytes that move, not by parts that are through: one may take longer than anybody has patience."""
    file, path = far.file(16 * MIB + 1)
    proxy.bytes_per_second = 3_000_000
    beats = [time.monotonic()]
    store = Store(far.archive(part_mib=16, parallel_parts=1), far.place.secret, lambda: beats.append(time.monotonic()))
    far.upload(store, file, path)
    back = far.folder / "back"
    with back.open("wb") as out:
        store.fetch(far.journal.file(file.id), out.fileno())
    store.close()
    gaps = [later - earlier for earlier, later in itertools.pairwise([*beats, time.monotonic()])]
    assert beats[-1] - beats[0] > 5
    # What the kernel holds goes out unseen, 4 MiB at most.
    assert max(gaps) < 4, "A part went out, and nothing told of it."


def test_nobody_at_the_other_end_is_a_sentence(shelf: Shelf) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        file, path = shelf.file(1000)
        store = shelf.store(endpoint=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(StoreError, match=r"cannot be reached\. See to the network") as caught:
            shelf.upload(store, file, path)
    assert caught.value.retry


def test_a_certificate_that_nobody_knows_is_a_sentence(shelf: Shelf, tmp_path: Path) -> None:
    pem = tmp_path / "pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    argv += ["-subj", "/CN=127.0.0.1", "-keyout", str(pem), "-out", str(tmp_path / "certificate")]
    subprocess.run(argv, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", pem)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        file, path = shelf.file(1000)
        store = shelf.store(endpoint=f"https://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(StoreError, match="TLS certificate is not one that this host trusts") as caught:
            shelf.upload(store, file, path)
        server.shutdown(socket.SHUT_RDWR)
    assert not caught.value.retry


def test_a_connection_that_is_cut_in_every_body_is_a_sentence(far: Shelf, proxy: FaultProxy) -> None:
    file, path = far.file(3 * PART)
    proxy.rule = lambda asked: Cut(after_bytes=200_000) if asked.part else None
    store = far.store()
    with pytest.raises(StoreError, match="It is tried again") as caught:
        far.upload(store, file, path)
    assert caught.value.retry
    proxy.rule = lambda asked: None
    goes_on(far, store, file, path)
