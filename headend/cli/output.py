"""What every command shares: exit codes, JSON, and how a spec or a layout is loaded or refused."""

from __future__ import annotations

import json
import runpy
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from headend.fault import SpecError, UnreadableSpecError
from headend.layout import Layout
from headend.loader import load_with_places
from headend.model.spec import Spec
from headend.places import Places

SPECS = Path("specs")
NOT_MINE = {"demo.yaml", "example.yaml"}
GROUP_DATA = Path("group_data/all.py")


class Code(IntEnum):
    """Exit codes, the same for every command."""

    OK = 0
    FAULTS = 1
    """The spec has faults, a generated file differs, or the doctor found problems."""
    USAGE = 2
    """The command line is wrong: an unknown option, stream, rendition or role."""
    FILE = 3
    """A file cannot be read or written."""
    TOOL = 4
    """A program that is needed (ffmpeg, pyinfra) is missing or failed."""


EXIT_CODES = (
    "Exit codes: 0 done; 1 the spec has faults, a generated file differs or a host has problems; 2 wrong usage; "
    "3 a file cannot be read or written; 4 a needed program is missing or failed."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
SpecArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[SPEC]", help="Spec file; may be left out when specs/ holds exactly one of your own."),
]
GroupData = Annotated[Path, typer.Option("--group-data", help="Where things lie on a host: a group_data file.")]


def print_json(data: object) -> None:
    """One JSON object on standard output."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))


def stop(code: Code, message: str, *, as_json: bool = False, **data: Any) -> NoReturn:
    """End with one line on standard error, or with {"ok": false, "error": …} on standard output."""
    if as_json:
        print_json({"ok": False, "error": message, **data})
    else:
        typer.echo(message, err=True)
    raise typer.Exit(code)


def load(path: Path | None, *, as_json: bool) -> tuple[Spec, Places]:
    """The spec and its places; ends the command with every fault when there are any."""
    chosen = path or own_spec(as_json=as_json)
    try:
        return load_with_places(chosen)
    except SpecError as error:
        stop(code_of(error), str(error), as_json=as_json, faults=[fault.as_data() for fault in error.faults])


def code_of(error: SpecError) -> Code:
    return Code.FILE if isinstance(error, UnreadableSpecError) else Code.FAULTS


def own_spec(*, as_json: bool) -> Path:
    """The only spec in specs/ that is neither the example nor the demo."""
    found = sorted(path for path in SPECS.glob("*.yaml") if path.name not in NOT_MINE)
    if len(found) == 1:
        return found[0]
    names = ", ".join(str(path) for path in found) or "none of your own in specs/"
    stop(Code.USAGE, f"Which spec? Name a file; found {names}. For a look around: specs/demo.yaml.", as_json=as_json)


def load_layout(path: Path, *, as_json: bool) -> Layout:
    """The layout that a group_data file states. The file is Python, as pyinfra has it, and is run."""
    try:
        return Layout.from_data(runpy.run_path(str(path)))
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        stop(
            Code.FILE, f"{path}: {reason}. Run this in the checkout, or name a file with --group-data.", as_json=as_json
        )
    except ValidationError as error:
        names = ", ".join(sorted({str(detail["loc"][0]) for detail in error.errors(include_url=False)}))
        stop(Code.FILE, f"{path}: missing or of the wrong type: {names}. See headend/layout.py.", as_json=as_json)
    except Exception as error:  # the file is the sysadmin's program: whatever it raises is its fault, not ours
        stop(Code.FILE, f"{path}: {type(error).__name__} while running it: {error}.", as_json=as_json)
