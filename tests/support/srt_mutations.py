"""SRT packets that no honest caller sends, without end and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.support import srt_handshake as srt
from tests.support.srt_handshake import Handshake, conclusion, extension, hs_request, key_material, stream_id

# Sizes around every bound that libsrt, its header or the module has.
MSS = (0, 1, 28, 44, 75, 76, 231, 232, 1360, 1499, 1500, 1501, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
WINDOWS = (0, 1, 2, 32, 8192, 25600, 65536, 65537, 1 << 24, 1 << 28, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
VERSIONS = (0, 1, 3, 4, 5, 6, 0x10000, 0xFFFFFFFF)
KINDS = (0, 1, 2, 5, 1000, 1010, 2403, 0x7FFFFFFF, 0xFFFFFFFD, srt.AGREEMENT, srt.CONCLUSION)
WORDS = (0, 1, 2, 3, 100, 128, 129, 256, 0x7FFF, 0xFFFF)
ID_LENGTHS = (0, 1, 3, 4, 511, 512, 513, 516, 600, 1024, 1300)


class Mutations:
    """A source of packets; `known` are stream ids that the server would admit if the rest were right."""

    def __init__(self, seed: int, known: Sequence[bytes]) -> None:
        self._chance = random.Random(seed)
        self._known = known
        self._makers = (
            self._fields,
            self._first_packet,
            self._claimed_lengths,
            self._key_material,
            self._long_ids,
            self._byte_salad_ids,
            self._many_extensions,
            self._odd_extensions,
            self._old_handshake,
            self._request,
            self._other_control,
            self._stray_data,
            self._debris,
        )

    def packets(self, cookie: int) -> Iterator[bytes]:
        """Packets without end for the port that the cookie was given to."""
        while True:
            yield self.packet(cookie)

    def packet(self, cookie: int) -> bytes:
        """The next packet; one in four has some bytes changed, cut off or added besides."""
        made = self._chance.choice(self._makers)(cookie)
        packet = made.packet() if isinstance(made, Handshake) else made
        return self._damaged(packet) if self._chance.random() < 0.25 else packet

    def _id(self) -> bytes:
        return self._chance.choice(self._known)

    def _sound(self, cookie: int, *blocks: bytes) -> Handshake:
        """As an honest caller would, but for the key: every one with a socket id of its own."""
        return conclusion(cookie, *blocks, stream_id(self._id()), socket_id=self._chance.randrange(1, 1 << 30))

    def _fields(self, cookie: int) -> Handshake:
        chance, sound = self._chance, self._sound(cookie, extension(srt.KMREQ, key_material()))
        for _ in range(chance.randint(1, 3)):
            match chance.randrange(8):
                case 0:
                    sound = replace(sound, version=chance.choice(VERSIONS))
                case 1:
                    sound = replace(sound, kind=chance.choice(KINDS))
                case 2:
                    sound = replace(sound, mss=chance.choice(MSS))
                case 3:
                    sound = replace(sound, flow_window=chance.choice(WINDOWS))
                case 4:
                    sound = replace(sound, cookie=cookie ^ 1 << chance.randrange(32))
                case 5:
                    sound = replace(sound, encryption=chance.choice((1, 2, 3, 4, 5, 16, 0xFFFF)))
                case 6:
                    sound = replace(sound, extension_field=chance.choice((0, 1, 2, 3, 4, 8, srt.MAGIC, 0xFFFF)))
                case _:
                    sound = replace(sound, sequence=chance.choice((0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)))
        return sound

    def _first_packet(self, cookie: int) -> Handshake:
        chance = self._chance
        return Handshake(
            version=chance.choice(VERSIONS),
            mss=chance.choice(MSS),
            flow_window=chance.choice(WINDOWS),
            cookie=chance.choice((0, cookie)),
            extensions=(bytes(chance.randrange(64)),),
        )

    def _claimed_lengths(self, cookie: int) -> Handshake:
        content = self._chance.choice((b"", bytes(12), key_material(), self._id()))
        kind = self._chance.randrange(10)
        return self._sound(cookie, extension(kind, content, words=self._chance.choice(WORDS)))

    def _key_material(self, cookie: int) -> Handshake:
        chance = self._chance
        message = key_material(
            header=chance.choice((b"\x12\x20\x29\x01", b"\x12\x20\x29\x03", b"\x12\x20\x29\x00", b"\x72\xff\xff\xff")),
            cipher=chance.choice((0, 1, 2, 3, 255)),
            salt=bytes(chance.choice((0, 4, 8, 16, 20, 64))),
            key_bytes=chance.choice((0, 8, 16, 20, 24, 32, 64, 252)),
            wrapped=chance.choice((None, b"", bytes(8), chance.randbytes(40), bytes(1000))),
        )
        return self._sound(cookie, extension(srt.KMREQ, message[: chance.choice((3, 12, 16, 2000, 2000))]))

    def _long_ids(self, cookie: int) -> Handshake:
        length = self._chance.choice(ID_LENGTHS)
        text = (self._id() + b"," + b"x" * length)[:length]
        return conclusion(cookie, stream_id(text), socket_id=self._chance.randrange(1, 1 << 30))

    def _byte_salad_ids(self, cookie: int) -> Handshake:
        chance, text = self._chance, bytearray(self._id())
        for _ in range(chance.randint(1, 6)):
            text.insert(chance.randrange(len(text) + 1), chance.choice((0, 9, 10, 13, 32, 37, 61, 127, 128, 195, 255)))
        return conclusion(cookie, stream_id(bytes(text)), socket_id=chance.randrange(1, 1 << 30))

    def _many_extensions(self, cookie: int) -> Handshake:
        blocks = (hs_request(), srt.group(), stream_id(self._id()), extension(srt.KMREQ, key_material()), bytes(4))
        many = [self._chance.choice(blocks) for _ in range(self._chance.randint(5, 60))]
        return self._sound(cookie, *many)

    def _odd_extensions(self, cookie: int) -> Handshake:
        chance = self._chance
        number, kind = chance.choice((0, 1, 0x40000001, 0xFFFFFFFF)), chance.randrange(8)
        blocks = (
            srt.group(number=number, kind=kind, flags=chance.randrange(256), weight=chance.randrange(1 << 16)),
            extension(srt.FILTER, chance.choice((b"fec,cols:10,rows:5", b"fec," * 60, b"\xff" * 40, b""))),
            extension(srt.CONGESTION_CONTROL, chance.choice((b"elif", b"live", b"\0" * 4, b"x" * 200))),
            extension(chance.randrange(9, 1 << 16), chance.randbytes(chance.randrange(40))),
        )
        return self._sound(cookie, *chance.sample(blocks, chance.randint(1, 4)))

    def _old_handshake(self, cookie: int) -> Handshake:
        return Handshake(version=4, kind=srt.CONCLUSION, cookie=cookie, extension_field=self._chance.choice((0, 1, 2)))

    def _request(self, cookie: int) -> Handshake:
        chance = self._chance
        request = hs_request(
            version=chance.choice((0, 1, 0x010000, 0x010300, 0x010501, 0xFFFFFFFF)),
            flags=chance.choice((0, 0x3F, 0xBF, 0xFFFFFFFF)),
            latency_ms=chance.choice((0, 120, 65535)),
        )
        cut = extension(srt.HSREQ, request[4:][: chance.choice((0, 4, 8, 12))])
        return replace(self._sound(cookie), extensions=(cut, stream_id(self._id())))

    def _other_control(self, cookie: int) -> bytes:
        chance = self._chance
        kind = chance.choice((*range(srt.KEEPALIVE, srt.PEER_ERROR + 1), 9, 0x100, srt.USER_DEFINED))
        return srt.control(
            kind,
            chance.randbytes(chance.choice((0, 4, 8, 28, 64, 1400))),
            subtype=chance.choice((0, 1, 3, 4, 0xFFFF)),
            info=chance.getrandbits(32),
            destination=chance.choice((0, 1, chance.getrandbits(30), 0xFFFFFFFF)),
        )

    def _stray_data(self, cookie: int) -> bytes:
        chance = self._chance
        destination = chance.choice((0, 1, chance.getrandbits(30), 0xFFFFFFFF))
        payload = chance.randbytes(chance.choice((0, 1, 188, 1316, 1456)))
        return srt.data(payload, sequence=chance.getrandbits(31), destination=destination, flags=chance.getrandbits(32))

    def _debris(self, cookie: int) -> bytes:
        return self._chance.randbytes(self._chance.choice((0, 1, 8, 15, 16, 17, 63, 64, 65, 200)))

    def _damaged(self, packet: bytes) -> bytes:
        chance, damaged = self._chance, bytearray(packet)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(damaged)) if damaged else 0
            match chance.randrange(3):
                case 0 if damaged:
                    damaged[at] ^= 1 << chance.randrange(8)
                case 1:
                    del damaged[at:]
                case _:
                    damaged[at:at] = chance.randbytes(chance.randint(1, 32))
        return bytes(damaged[:1472])
