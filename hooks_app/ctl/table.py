"""Documents as text: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import typer


def show(document: Any, columns: Sequence[str], *, as_json: bool) -> None:
    """Print a list of documents (or one) with these fields; `a.b` is a field inside another."""
    if as_json:
        typer.echo(json.dumps(document))
        return
    rows = document if isinstance(document, list) else [document]
    cells = [[_cell(row, column) for column in columns] for row in rows]
    heads = [column.rpartition(".")[2].upper() for column in columns]
    widths = [max(len(line[index]) for line in [heads, *cells]) for index in range(len(columns))]
    for line in [heads, *cells]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(row: Any, column: str) -> str:
    value: Any = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    # A title may hold anything: one line, and nothing that moves a terminal's cursor.
    return "".join(char if char.isprintable() else " " for char in str(value))
