"""Mutated RTMP sessions against the built ingest, with a publisher beside them that must not notice.

The test of this folder runs a few thousand. For longer, against a build with AddressSanitizer:

    python -m tests.faults.fuzz_rtmp --seconds 240 --seed 7
"""

from __future__ import annotations

import argparse
import contextlib
import random
import time
from collections.abc import Iterator

from tests.support import rtmp
from tests.support.ingest_nginx import Ingest, live_publisher, running_ingest
from tests.support.nginx_build import built_nginx
from tests.support.rtmp import RtmpClient, amf, chunks, command

PICTURE = b"\x17\x00\x00\x00\x00\x01\x64\x00\x1f\xff\xe1\x00\x04\x67\x64\x00\x1f\x01\x00\x02\x68\xee"
METADATA: dict[str, rtmp.Amf] = {"width": 640, "height": 360, "videocodecid": 7, "audiocodecid": "mp4a", "level": "31"}


def sound_session() -> list[bytes]:
    """The messages of one publisher and player that does nothing wrong, and some that hardly anybody sends."""
    tag = bytes([rtmp.VIDEO]) + len(PICTURE).to_bytes(3, "big") + bytes(7) + PICTURE + bytes(4)
    return [
        chunks(rtmp.CHUNK_SIZE, (4096).to_bytes(4, "big"), csid=2),
        chunks(rtmp.ACK_SIZE, (5_000_000).to_bytes(4, "big"), csid=2),
        chunks(rtmp.COMMAND, command("connect", 1, {"app": "live", "tcUrl": "rtmp://h/live", "nested": {"a": {}}})),
        chunks(rtmp.COMMAND, command("releaseStream", 2, None, "fuzz")),
        chunks(rtmp.COMMAND, command("createStream", 3, None)),
        chunks(rtmp.USER, b"\x00\x03" + (1).to_bytes(4, "big") + (3000).to_bytes(4, "big"), csid=2),
        chunks(rtmp.COMMAND, command("publish", 0, None, "fuzz?key=k", "live"), msid=1),
        chunks(rtmp.DATA, command("@setDataFrame", "onMetaData", METADATA), msid=1),
        chunks(rtmp.AMF3_DATA, b"\x00" + command("onMetaData", METADATA), msid=1),
        chunks(rtmp.VIDEO, PICTURE, csid=6, msid=1),
        chunks(rtmp.AUDIO, b"\xaf\x00\x12\x10", csid=4, msid=1),
        chunks(rtmp.AUDIO, b"\xaf\x01" + bytes(90), csid=4, msid=1, timestamp=20),
        chunks(rtmp.AGGREGATE, tag * 3, csid=6, msid=1),
        chunks(rtmp.SHARED, amf("object")[1:] + bytes(8), csid=3),
        chunks(rtmp.COMMAND, command("pause", 0, None, True, 0), msid=1),
        chunks(rtmp.COMMAND, command("seek", 0, None, 100), msid=1),
        chunks(rtmp.COMMAND, command("closeStream", 0, None), msid=1),
        chunks(rtmp.COMMAND, command("play", 0, None, "bystander", -2), msid=1),
        chunks(rtmp.COMMAND, command("play2", 0, None, {"streamName": "fuzz", "start": -1}), msid=1),
        chunks(rtmp.COMMAND, command("deleteStream", 4, None, 1)),
    ]


def mutated(messages: list[bytes], chance: random.Random) -> bytes:
    """A session with messages dropped, doubled or swapped, and up to eight of its bytes changed, cut or repeated."""
    kept = [message for message in messages if chance.random() > 0.15]
    if chance.random() < 0.4:
        kept = chance.choices(messages, k=chance.randint(1, 25))
    data = bytearray(b"".join(kept))
    for _ in range(chance.randint(0, 8)):
        if not data:
            break
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.choice((0, 1, 3, 8, 10, 22, 0x7F, 0x80, 0xC3, 0xFF, chance.randrange(256)))
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at : at + chance.randint(1, 16)]
            case _:
                data[at:at] = data[at : at + chance.randint(1, 32)] * chance.randint(1, 4)
    return bytes(data)


def sessions(seed: int) -> Iterator[bytes]:
    """Sessions without end; the same seed gives the same ones."""
    chance, messages = random.Random(seed), sound_session()
    while True:
        yield mutated(messages, chance)


def attack(ingest: Ingest, session: bytes) -> None:
    """Play one session to the ingest; it may hang up at any time."""
    with contextlib.suppress(OSError), RtmpClient(ingest.rtmp_port, timeout=2) as client:
        client.handshake()
        client.socket.sendall(session)
        client.socket.settimeout(0.002)
        client.socket.recv(65536)


def main() -> int:
    """Fuzz for a time; exit status 1 with the number of the session when a worker died or a sanitizer spoke."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    prefix = built_nginx(("--sanitize",))
    with running_ingest(prefix, "allow play all;") as ingest, live_publisher(ingest):
        workers, end = ingest.worker_pids(), time.monotonic() + options.seconds
        for number, session in enumerate(sessions(options.seed)):
            attack(ingest, session)
            if ingest.worker_pids() != workers or ingest.reports():
                print(f"seed {options.seed}, session {number}: {ingest.reports()[:2000]}")
                return 1
            if time.monotonic() > end:
                break
    print(f"{number + 1} sessions, no report, worker {workers} lives")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
