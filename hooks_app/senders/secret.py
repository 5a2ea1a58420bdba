"""The secrets of the destinations: credentials that systemd gives to the announcer's unit (LoadCredential)."""

from __future__ import annotations

import os
from pathlib import Path

PREFIX = "announce-"
MAX_BYTES = 4096


class SecretError(Exception):
    """It is not there, or not one line; the message names it and never holds it."""


def secret(name: str) -> str:
    """The secret of that name. Read at each use: a deploy may have changed it. Raises SecretError."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    try:
        text = (Path(folder) / f"{PREFIX}{name}").read_bytes()[: MAX_BYTES + 1].decode().strip() if folder else ""
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text or len(text) > MAX_BYTES or not text.isprintable():
        raise SecretError(f"the credential {name} is not there, or is not one line")
    return text
