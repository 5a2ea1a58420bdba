"""The database server that several hosts share: what a unit must be allowed and given to reach it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

SCHEME = "postgresql+psycopg"
FORM = f"{SCHEME}://USER@HOST/NAME"


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, as a database URL names it."""

    host: str | None
    """Name or address; None for a unix socket on this host, where PostgreSQL asks the kernel who is there."""

    @property
    def network(self) -> str | None:
        """What systemd's IPAddressAllow= calls it; None if only its name is known, which that key does not take."""
        if self.host in (None, "localhost"):
            return "localhost"
        try:
            return str(ip_address(self.host))
        except ValueError:
            return None


def server_of(database_url: str) -> Server | None:
    """The server of a database URL; None for an empty one, which means SQLite.

    Raises ValueError with a sentence for a URL of another form, and for one that holds a password.
    """
    if not database_url:
        return None
    # What the URL holds is never repeated: it may be a password.
    try:
        url = urlsplit(database_url)
        host, query = url.hostname, parse_qs(url.query)
        _ = url.port
    except ValueError:
        raise ValueError(f"is no URL of the form {FORM}") from None
    if url.password is not None or "password" in query:
        raise ValueError("holds a password: put it into a file, and that file's name into database_password_file")
    if url.scheme != SCHEME or len(url.path) < 2:
        raise ValueError(f"must be empty or have the form {FORM}")
    host = host or query.get("host", [None])[0]
    return Server(None if host is None or host.startswith("/") else host)
