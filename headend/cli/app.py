"""The command line: one typer application, one module for each command."""

from __future__ import annotations

import typer

from headend.cli import archive
from headend.cli.announce import announce
from headend.cli.check import check
from headend.cli.doctor import doctor
from headend.cli.explain import explain
from headend.cli.output import EXIT_CODES
from headend.cli.plan import plan
from headend.cli.render import render
from headend.cli.rtmp_url import rtmp_url
from headend.cli.schema import schema
from headend.cli.srt_url import srt_url

app = typer.Typer(
    name="headend",
    help="Check, render and explain a spec of a live-video origin. No host is needed, except for 'doctor'.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (check, render, explain, plan, announce, schema, doctor, srt_url, rtmp_url):
    app.command(epilog=EXIT_CODES)(command)
app.add_typer(archive.app, name="archive")


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    app()
