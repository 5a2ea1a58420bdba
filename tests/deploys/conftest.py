"""Runs one operation against facts from a table, as pyinfra would, and returns its commands as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from pyinfra.api import FactBase, FileUploadCommand, StringCommand
from pyinfra.context import ctx_host, ctx_state


@dataclass
class TableHost:
    """A host that knows exactly the facts of its table; any other question is an error of the test."""

    facts: dict[type[FactBase[Any]], Any]
    said: list[str] = field(default_factory=list)

    def get_fact(self, fact: type[FactBase[Any]], **arguments: Any) -> Any:
        """The fact's value: from the table, or computed from the arguments by the table's function."""
        # What begins with _ is pyinfra's own. The rest the fact must take.
        arguments = {name: value for name, value in arguments.items() if not name.startswith("_")}
        fact().command(**arguments)
        value = self.facts[fact]
        return value(**arguments) if callable(value) else value

    def log(self, message: str, log_func: Callable[[str], Any] | None = None) -> None:
        """What an operator would read."""
        self.said.append(message)

    def noop(self, description: str) -> None:
        """Why nothing happens."""
        self.said.append(f"noop: {description}")

    def get_temp_filename(self, hash_key: str | None = None) -> str:
        """Always the same, so that commands can be compared."""
        return "/tmp/upload"


@dataclass
class Run:
    """What an operation did."""

    commands: list[str]
    said: list[str]


@pytest.fixture
def run_operation() -> Iterator[Callable[..., Run]]:
    """run_operation(operation, facts, **arguments) -> Run."""

    def run(operation: Any, facts: dict[type[FactBase[Any]], Any], **arguments: Any) -> Run:
        host = TableHost(facts)
        state = SimpleNamespace(config=SimpleNamespace(DIFF=False))
        with ctx_host.use(host), ctx_state.use(state):
            commands = [_text(command) for command in operation._inner(**arguments)]
        return Run(commands, host.said)

    return run


def _text(command: StringCommand | FileUploadCommand) -> str:
    if isinstance(command, FileUploadCommand):
        return f"upload {command.dest}"
    if "_stdin" in command.connector_arguments:
        return f"{command.get_raw_value()} <<< {''.join(command.connector_arguments['_stdin'])!r}"
    return command.get_raw_value()
