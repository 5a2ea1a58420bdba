"""A publisher: by which protocol it came, and by which key it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class IngestProtocol(StrEnum):
    """The protocol that a publisher speaks to this origin."""

    RTMP = "rtmp"
    SRT = "srt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """What a session keeps of its publisher; for the operator, never for the audience.

    Without a key id and a peer where nobody could say: a publisher that was found on air.
    """

    protocol: IngestProtocol = IngestProtocol.RTMP
    key_id: str | None = None
    peer: str | None = None
    """ADDRESS, for SRT ADDRESS:PORT (IPv6 in brackets)."""
    mode: str | None = None
    """SRT only: encrypted or signed."""
    nonce: str | None = None
    """Of a signed stream id."""

    def __repr__(self) -> str:
        """Without the nonce: a repr ends up in logs and tracebacks."""
        return f"Publisher({self.protocol}, key {self.key_id}, at {self.peer})"


UNKNOWN: Final = Publisher()
"""Over RTMP, and nothing else is known."""
