"""Reads MPEG-TS as it comes, and says whether a packet is missing. Only the headers: ISO/IEC 13818-1, 2.4.3."""

from __future__ import annotations

from dataclasses import dataclass, field

PACKET = 188
_NULL_PID = 0x1FFF


@dataclass
class Continuity:
    """What was seen of one stream so far."""

    packets: int = 0
    discontinuities: int = 0
    sync_losses: int = 0
    _last: dict[int, int] = field(default_factory=dict)
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes, however they were cut."""
        data = self._rest + data
        whole = len(data) // PACKET * PACKET
        for at in range(0, whole, PACKET):
            self._take(data[at : at + PACKET])
        self._rest = data[whole:]

    def _take(self, packet: bytes) -> None:
        self.packets += 1
        if packet[0] != 0x47:
            self.sync_losses += 1
            return
        pid = int.from_bytes(packet[1:3], "big") & 0x1FFF
        has_payload, counter = packet[3] & 0x10, packet[3] & 0x0F
        if pid == _NULL_PID or not has_payload:
            return
        announced = bool(packet[3] & 0x20 and packet[4] and packet[5] & 0x80)
        last = self._last.get(pid)
        # A packet may be sent twice, which is no loss.
        if last is not None and not announced and counter not in ((last + 1) & 0x0F, last):
            self.discontinuities += 1
        self._last[pid] = counter
