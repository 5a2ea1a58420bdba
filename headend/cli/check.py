"""`headend check`: every fault of one or more specs, at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headend.cli.output import AsJson, Code, code_of, own_spec, print_json
from headend.fault import Fault, SpecError
from headend.loader import load_spec
from headend.model.spec import Spec


def check(
    specs: Annotated[
        list[Path] | None, typer.Argument(metavar="[SPEC]...", help="Spec files; by default your own one in specs/.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check specs: every fault at once, sorted by line, as 'file:line:column path: fault. remedy'."""
    code = Code.OK
    faults: list[Fault] = []
    for path in specs or [own_spec(as_json=as_json)]:
        try:
            spec = load_spec(path)
        except SpecError as error:
            code = max(code, code_of(error))
            faults += error.faults
            if not as_json:
                typer.echo(str(error))
        else:
            if not as_json:
                typer.echo(f"{path}: ok ({summary(spec)})")
    if as_json:
        print_json({"ok": code == Code.OK, "faults": [fault.as_data() for fault in faults]})
    raise typer.Exit(code)


def summary(spec: Spec) -> str:
    """What a good spec holds. Example: 1 stream, 2 ladders."""
    counts = ((len(spec.streams), "stream"), (len(spec.ladders), "ladder"))
    return ", ".join(f"{count} {noun}{'s' * (count != 1)}" for count, noun in counts)
