"""Which of the other app hosts are gone: those whose row in the database has stood still while this one looked at it.

No host's wall clock is compared with another's: both may be wrong, and either may be set while a show is on air.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from hooks_app.tables import HostRow

HOST_GONE_SECONDS: Final = 20.0
"""An app host that has not written for so long is gone, and so are the publishers of its sessions."""
LOOK_SECONDS: Final = 5.0
"""What two looks may be apart and all of it count. After a longer gap nobody can say: it was the database that was away
from this host, and perhaps from the other one as well."""


@dataclass(slots=True)
class _Seen:
    at: datetime | None
    looked: float
    silent: float = 0.0


class HostWatch:
    """Remembers what it saw of each host; a new process knows nothing, and so takes nobody for gone."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def is_gone(self, db: Session, host: str, monotonic: float) -> bool:
        """Whether a host has written nothing for long; `monotonic` is this host's clock."""
        row = db.get(HostRow, host)
        at = row.at if row is not None else None
        with self._guard:
            seen = self._seen.get(host)
            if seen is None or seen.at != at:
                self._seen[host] = _Seen(at, monotonic)
                return False
            seen.silent += min(max(0.0, monotonic - seen.looked), LOOK_SECONDS)
            seen.looked = max(seen.looked, monotonic)
            return seen.silent > HOST_GONE_SECONDS
