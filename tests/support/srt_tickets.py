"""Stream ids of every kind, good and bad, made with a host's own master secret."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from headend.model.credential import read_master, signature, srt_passphrase
from testbed.host import Host
from testbed.srt_socket import SrtOptions

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Desk:
    """Knows the master secret, as only root on the host does."""

    master: bytes = field(repr=False)
    slug: str
    key_id: str

    def encrypted(self, stream_id: str | None = None) -> SrtOptions:
        """The right passphrase, with the right stream id or another."""
        text = f"#!::r={self.slug},m=publish,u={self.key_id}" if stream_id is None else stream_id
        return SrtOptions(stream_id=text, passphrase=srt_passphrase(self.master, self.slug, self.key_id))

    def signed(self, lifetime: int = HOUR, *, of: str | None = None) -> SrtOptions:
        """A signed stream id that ends in so many seconds; the signature may be another stream's."""
        return SrtOptions(stream_id=self.signed_id(lifetime, of=of))

    def signed_id(self, lifetime: int = HOUR, *, of: str | None = None) -> str:
        """Its text."""
        expiry, nonce = int(time.time()) + lifetime, secrets.token_urlsafe(12)
        sig = signature(self.master, of or self.slug, self.key_id, expiry, nonce)
        return f"#!::r={self.slug},m=publish,u={self.key_id},exp={expiry},nonce={nonce},sig={sig}"


def read_desk(host: Host, slug: str, key_id: str) -> Desk:
    """What the host's root could sign."""
    secret = host.run(["cat", "/etc/headend/credentials/master"]).stdout
    return Desk(read_master(secret.encode()), slug, key_id)
