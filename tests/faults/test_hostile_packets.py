"""Strangers send what they like before they have said who they are; a live publisher beside them must not notice."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.faults.fuzz_rtmp import attack, sessions
from tests.support import rtmp
from tests.support.ingest_nginx import Ingest, free_port, live_publisher, running_ingest
from tests.support.nginx_build import built_nginx
from tests.support.rtmp import RtmpClient, amf, chunks, command

# The build alone takes most of a minute when the cache is cold.
pytestmark = pytest.mark.host

FUZZED_SESSIONS = 3000

# Enough to overrun a stack of 8 MB in the module as released; below its default max_message of 1 MB.
NEST_BYTES = 1_000_000


def one(kind: int, payload: bytes) -> bytes:
    """A single message as it goes over the wire."""
    return chunks(kind, payload)


def opening(length: int) -> bytes:
    """The first piece of a command of this length."""
    return bytes([3, 0, 0, 0]) + length.to_bytes(3, "big") + bytes([rtmp.COMMAND, 0, 0, 0, 0]) + bytes(128)


def nested_aggregates() -> bytes:
    """Aggregates in each other: 11 bytes of header, the rest, and one byte behind it that the parser wants to see."""
    levels = NEST_BYTES // 12
    headers = (bytes([22]) + (12 * rest).to_bytes(3, "big") + bytes(7) for rest in range(levels - 1, -1, -1))
    return b"".join(headers) + bytes(levels)


# Each killed a worker of nginx-rtmp 1.2.2, or took its memory without end, or is a near relative of one that did.
BEFORE_CONNECT: dict[str, bytes] = {
    "metadata": one(rtmp.DATA, command("onMetaData", {"width": 1})),
    "set_data_frame": one(rtmp.DATA, command("@setDataFrame", "onMetaData", {"width": 1})),
    "metadata_amf3": one(rtmp.AMF3_DATA, b"\x00" + command("onMetaData", {})),
    "metadata_as_command": one(rtmp.COMMAND, command("onMetaData", {})),
    "metadata_as_shared_object": one(rtmp.SHARED, command("onMetaData", {})[1:]),
    "metadata_in_an_aggregate": one(
        rtmp.AGGREGATE, b"\x12\x00\x00\x10" + bytes(7) + command("onMetaData", {}) + bytes(9)
    ),
    "create_stream": one(rtmp.COMMAND, command("createStream", 1, None)),
    "publish": one(rtmp.COMMAND, command("publish", 0, None, "stranger", "live")),
    "play": one(rtmp.COMMAND, command("play", 0, None, "bystander")),
    "play2": one(rtmp.COMMAND, command("play2", 0, None, {"streamName": "bystander"})),
    "pause": one(rtmp.COMMAND, command("pause", 0, None, True, 0)),
    "seek": one(rtmp.COMMAND, command("seek", 0, None, 10)),
    "close_stream": one(rtmp.COMMAND, command("closeStream", 0)),
    "delete_stream": one(rtmp.COMMAND, command("deleteStream", 0, None, 1)),
    "on_status": one(rtmp.COMMAND, command("onStatus", 0, None, {"code": "NetStream.Publish.Start"})),
    "result": one(rtmp.COMMAND, command("_result", 1, None, 1)),
    "audio": one(rtmp.AUDIO, b"\xaf\x00\x12\x10"),
    "video": one(rtmp.VIDEO, b"\x17\x00\x00\x00\x00\x01"),
    "set_buffer_length": one(rtmp.USER, b"\x00\x03" + bytes(8)),
    "stream_begin": one(rtmp.USER, bytes(6)),
    "empty_message": one(rtmp.COMMAND, b""),
    "unknown_application": one(rtmp.COMMAND, command("connect", 1, {"app": "nowhere"})),
    "objects_in_objects": one(rtmp.COMMAND, amf("connect") + amf(1) + b"\x03" + b"\x00\x01a\x03" * (NEST_BYTES // 4)),
    "arrays_in_arrays": one(rtmp.COMMAND, amf("connect") + amf(1) + b"\x0a\x00\x00\x00\x01" * (NEST_BYTES // 5)),
    "aggregates_in_aggregates": one(rtmp.AGGREGATE, nested_aggregates()),
    "chunk_size_zero": one(rtmp.CHUNK_SIZE, bytes(4)) + opening(1000)[:12] + b"\xc3" * NEST_BYTES,
    "chunk_size_huge": one(rtmp.CHUNK_SIZE, b"\x7f\xff\xff\xff"),
    "shrinking_message": opening(1000) + opening(10) + (b"\xc3" + bytes(128)) * 1000,
}


@pytest.fixture(scope="module")
def ingest() -> Iterator[Ingest]:
    """An ingest that a publisher is live on."""
    with running_ingest(built_nginx()) as ingest, live_publisher(ingest):
        yield ingest


def assert_nobody_noticed(ingest: Ingest, workers: list[int]) -> None:
    """The same worker still serves, and the publisher is still live."""
    assert ingest.worker_pids() == workers
    assert "<name>bystander</name>" in ingest.stat()
    assert "<publishing/>" in ingest.stat()


def memory_kb(ingest: Ingest) -> int:
    """Resident memory of the worker in kB."""
    (worker,) = ingest.worker_pids()
    status = Path(f"/proc/{worker}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.mark.parametrize("packet", BEFORE_CONNECT.values(), ids=BEFORE_CONNECT)
def test_a_packet_before_connect_ends_only_its_own_session(ingest: Ingest, packet: bytes) -> None:
    workers, before = ingest.worker_pids(), memory_kb(ingest)
    with RtmpClient(ingest.rtmp_port).handshake() as stranger:
        try:
            stranger.socket.sendall(packet)
        except ConnectionError:
            pass
        else:
            assert stranger.hung_up()
    assert_nobody_noticed(ingest, workers)
    assert memory_kb(ingest) - before < 8_000


@pytest.mark.parametrize("kind", [rtmp.AGGREGATE, rtmp.CHUNK_SIZE, rtmp.COMMAND])
def test_an_aggregate_holds_only_media(ingest: Ingest, kind: int) -> None:
    workers = ingest.worker_pids()
    with ingest.client() as stranger:
        stranger.connect()
        stranger.send(rtmp.AGGREGATE, bytes([kind]) + b"\x00\x00\x04" + bytes(7) + b"\x00\x00\x10\x00" + bytes(4))
        assert stranger.hung_up()
    assert_nobody_noticed(ingest, workers)


def test_mutated_sessions(ingest: Ingest) -> None:
    workers = ingest.worker_pids()
    for number, session in enumerate(itertools.islice(sessions(seed=1), FUZZED_SESSIONS)):
        attack(ingest, session)
        assert ingest.worker_pids() == workers, f"session {number}"
    assert_nobody_noticed(ingest, workers)


@pytest.mark.parametrize(
    "answer, let_in",
    [("200 OK", True), ("302 Found\r\nLocation: renamed", False), ("301 Moved", False), ("403 No", False)],
)
def test_only_a_2xx_of_the_hook_lets_a_publisher_in(answer: str, let_in: bool) -> None:
    port = free_port()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.wfile.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

        def log_message(self, *_: object) -> None:
            pass

    with (
        HTTPServer(("127.0.0.1", port), Hook) as hook,
        running_ingest(built_nginx(), f"on_publish http://127.0.0.1:{port}/;") as ingest,
        ingest.client() as publisher,
    ):
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        publisher.connect()
        try:
            publisher.publish("somebody")
            assert let_in
        except ConnectionError:
            assert not let_in
        time.sleep(0.1)
        assert ("<publishing/>" in ingest.stat()) == let_in
        hook.shutdown()
