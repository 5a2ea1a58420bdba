"""`headend archive`: what the object store must be told."""

from __future__ import annotations

from typing import Annotated

import typer

from headend.archive_policy import lifecycle_of, policy_of
from headend.cli.output import EXIT_CODES, AsJson, Code, SpecArgument, load, print_json, stop

app = typer.Typer(help="What the object store of the recordings must be told.", no_args_is_help=True)


@app.callback()
def archive() -> None:
    """What the object store of the recordings must be told."""


@app.command(epilog=EXIT_CODES)
def policy(
    spec: SpecArgument = None,
    with_removal: Annotated[
        bool, typer.Option("--with-removal", help="Allow removing too, for 'headend-ctl recordings delete'.")
    ] = False,
    lifecycle: Annotated[
        bool,
        typer.Option("--lifecycle", help="Print the bucket's rules instead: unfinished uploads end, old versions go."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the least that the archive's access key must be allowed, as an IAM policy."""
    if with_removal and lifecycle:
        stop(Code.USAGE, "Use --with-removal or --lifecycle, not both.", as_json=as_json)
    loaded, _ = load(spec, as_json=as_json)
    store = loaded.recordings.archive
    if store is None:
        stop(Code.USAGE, "The spec has no recordings.archive. See specs/example.yaml.", as_json=as_json)
    found = lifecycle_of(store) if lifecycle else policy_of(store, removal=with_removal)
    print_json({"ok": True, "lifecycle" if lifecycle else "policy": found} if as_json else found)
