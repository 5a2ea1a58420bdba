"""Why a caller's stream could not be carried: a sentence for the journal, and a small file for the hook app."""

from __future__ import annotations

import os
import time
from contextlib import suppress

REASONS = ("video-codec", "no-video", "no-program", "publish-refused")


class FaultError(Exception):
    """The stream cannot go on air, and the caller should learn why from the operator."""

    def __init__(self, reason: str, detail: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        """One of REASONS: the hook app knows a sentence for each."""
        self.detail = detail
        """A word or two in ASCII: hevc, no sync."""


def write(folder: str, slug: str, fault: FaultError) -> None:
    """Leave <folder>/<slug>.json, whole or not at all: {"at", "reason", "detail"}. Raises OSError."""
    # Only now: most callers have no fault, and every caller waits for imports.
    import json

    document = {"at": round(time.time(), 3), "reason": fault.reason, "detail": fault.detail}
    path = os.path.join(folder, f"{slug}.json")
    new = f"{path}.{os.getpid()}"
    try:
        with open(new, "w", encoding="ascii") as file:
            json.dump(document, file)
            file.write("\n")
        os.replace(new, path)
    except OSError:
        with suppress(OSError):
            os.unlink(new)
        raise
