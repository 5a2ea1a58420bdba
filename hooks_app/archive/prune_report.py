"""What a prune run did, or would do."""

from __future__ import annotations

from typing import Any

import typer

from hooks_app.archive.pruner import Pruned


def show(pruned: Pruned, *, dry_run: bool) -> None:
    """For people; what is strange or failed goes to standard error."""
    for removal in pruned.removals:
        where = "store" if removal.place == "remote" else "host"
        typer.echo(f"{removal.recording_id:>6}  {where:5}  {removal.bytes:>13}  {removal.name}: {removal.why}")
    for name in pruned.left_over:
        typer.echo(f"left over by an earlier run: {name}")
    for sentence in (*pruned.strange, *pruned.faults):
        typer.echo(sentence, err=True)
    verb = "would go" if dry_run else "gone"
    typer.echo(f"{len(pruned.removals)} files, {sum(removal.bytes for removal in pruned.removals)} bytes {verb}")


def as_document(pruned: Pruned, *, dry_run: bool) -> dict[str, Any]:
    """For programs."""
    return {
        "dry_run": dry_run,
        "removals": [
            {
                "recording": removal.recording_id,
                "name": removal.name,
                "bytes": removal.bytes,
                "place": removal.place,
                "why": removal.why,
            }
            for removal in pruned.removals
        ],
        "left_over": pruned.left_over,
        "strange": pruned.strange,
        "faults": pruned.faults,
    }
