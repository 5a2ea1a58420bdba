"""Who may publish: by a stream's key over RTMP, by what nginx@srt has checked over SRT.

nginx@srt lets SRT callers in by a list that may be a moment old, and forgets used nonces when it dies. So the database
is asked again here, where nothing is old and nothing is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headend.model.facts import HookFacts, StreamFacts
from hooks_app.form import Call, RefusedError, SrtCaller
from hooks_app.key_gate import KeyGate
from hooks_app.keys import KeyRing, KeyView
from hooks_app.ledger import Ledger
from hooks_app.publisher import IngestProtocol, Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Turns a believable call into a publisher who may."""

    facts: HookFacts
    streams: Mapping[str, StreamFacts]
    keys: KeyRing
    ledger: Ledger
    gate: KeyGate

    def authorise(self, call: Call) -> Publisher:
        """The publisher, if it may publish. Raises RefusedError."""
        if call.application != self.facts.application:
            raise RefusedError("unknown application")
        stream = self.streams.get(call.slug)
        if stream is None:
            raise RefusedError("no such stream")
        if call.srt is not None:
            return self._srt(stream, call.srt)
        key = self.keys.match(call.slug, call.key) if call.key is not None else None
        if key is None:
            raise RefusedError("wrong key")
        self._check_gate(key)
        return Publisher(protocol=IngestProtocol.RTMP, key_id=key.key_id, peer=call.address)

    def check_unused(self, publisher: Publisher) -> None:
        """A signed stream id admits once. Raises RefusedError. To be asked while the stream's slot is held."""
        if publisher.nonce is None or publisher.key_id is None or self.facts.srt is None:
            return
        peers = self.ledger.peers_of(publisher.key_id, publisher.nonce)
        if self.facts.srt.signed_reuse == "same_address":
            peers = frozenset(peer for peer in peers if _address(peer) != _address(publisher.peer))
        if peers:
            raise RefusedError("signed stream id was used before")

    def _check_gate(self, key: KeyView) -> None:
        if not self.gate.is_open(key):
            raise RefusedError("outside the event's window")

    def _srt(self, stream: StreamFacts, caller: SrtCaller) -> Publisher:
        if self.facts.srt is None:
            raise RefusedError("SRT is off")
        if stream.srt_admit not in {"any", caller.mode}:
            raise RefusedError("stream does not admit SRT callers this way")
        key = self.keys.active(stream.slug, caller.key_id)
        if key is None:
            raise RefusedError("key is not active")
        self._check_gate(key)
        return Publisher(
            protocol=IngestProtocol.SRT,
            key_id=caller.key_id,
            peer=caller.peer,
            mode=caller.mode,
            nonce=caller.nonce,
        )


def _address(peer: str | None) -> str:
    """Of ADDRESS:PORT."""
    return (peer or "").rpartition(":")[0]
