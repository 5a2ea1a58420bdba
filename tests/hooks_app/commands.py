"""The commands as their wrappers on the host run them."""

from __future__ import annotations

import os
from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from hooks_app.key_command import app
from tests.hooks_app.conftest import MASTER

WITH_MASTER = frozenset({"add", "rotate", "srt-url", "rtmp-url"})


def run(facts_file: Path, *arguments: str) -> Result:
    """Run the command, as the wrapper does: with the master secret open where keys are derived."""
    with_master = ["--master-fd", str(master_fd())] if arguments[0] in WITH_MASTER else []
    return CliRunner().invoke(app, [*arguments, "--facts", str(facts_file), *with_master])


def invoke(command: typer.Typer, *arguments: str, facts: Path) -> str:
    """Run another command as its wrapper does; what it prints. It must succeed."""
    result = CliRunner().invoke(command, [*arguments, "--facts", str(facts)])
    assert result.exit_code == 0, result.output
    return result.stdout


def master_fd(content: bytes = MASTER + b"\n") -> int:
    """The open file of the master secret; the command closes it."""
    descriptor = os.memfd_create("master")
    os.pwrite(descriptor, content, 0)
    return descriptor
