"""The `headend` command: the one place of this package that reads, writes and runs things besides the spec file."""

from __future__ import annotations

from headend.cli.app import main

__all__ = ["main"]
