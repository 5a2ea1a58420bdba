"""The encoder units, through systemctl."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Protocol

from headend.model.base import SLUG_PATTERN

TIMEOUT_SECONDS = 5.0
_ENCODER = re.compile(rf"ffmpeg@({SLUG_PATTERN})\.service")
# `activating` includes auto-restart: systemd is already at it.
_RUNNING = frozenset({"active", "activating", "reloading"})


class UnitError(Exception):
    """systemd did not do what it was asked to."""


class Units(Protocol):
    """What the hook app may do to encoders."""

    def restart(self, slug: str) -> None:
        """Have a fresh encoder, whatever ran before. Does not wait for it. Raises UnitError."""
        ...

    def stop(self, slug: str) -> None:
        """Have no encoder. Does not wait for its end. Raises UnitError."""
        ...

    def finish(self, slug: str) -> None:
        """Have no encoder, and the end tag in every media playlist. Does not wait for it. Raises UnitError."""
        ...

    def running(self) -> frozenset[str]:
        """Slugs of the encoders that run or are about to, declared or not. Raises UnitError."""
        ...


class Systemctl:
    """The real units. polkit lets the hook app's user start, stop and restart ffmpeg@ and hls-end@ instances only."""

    def restart(self, slug: str) -> None:
        """Queue a restart. --no-block: who needs to know watches the stat page, which tells more than systemd can."""
        systemctl("restart", "--no-block", f"ffmpeg@{slug}.service")

    def stop(self, slug: str) -> None:
        """Queue a stop."""
        systemctl("stop", "--no-block", f"ffmpeg@{slug}.service")

    def finish(self, slug: str) -> None:
        """Queue the unit that writes the end tags: it conflicts with the encoder, so that one stops first."""
        systemctl("start", "--no-block", f"hls-end@{slug}.service")

    def running(self) -> frozenset[str]:
        """Ask for every ffmpeg@ unit that systemd has in memory, in one call."""
        output = systemctl("show", "--property=Id,ActiveState", "ffmpeg@*.service")
        return frozenset(slug for slug, state in parse_show(output) if state in _RUNNING)


def parse_show(output: str) -> Iterator[tuple[str, str]]:
    """(slug, ActiveState) of each block of `systemctl show`; blocks are separated by an empty line."""
    for block in output.strip().split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        unit = _ENCODER.fullmatch(properties.get("Id", ""))
        if unit:
            yield unit.group(1), properties.get("ActiveState", "")


def systemctl(*arguments: str) -> str:
    """What systemctl says; it never asks for a password. Raises UnitError."""
    argv = ["systemctl", "--no-ask-password", *arguments]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnitError(f"systemctl {arguments[0]}: {error}") from error
    if done.returncode != 0:
        raise UnitError(f"systemctl {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
