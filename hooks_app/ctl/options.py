"""Options that many verbs have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Facts = Annotated[Path, typer.Option("--facts", envvar="HEADEND_FACTS", help="Rendered facts of the hook app.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit = Annotated[int, typer.Option(min=1, max=5000, help="How many, at most.")]
StreamOption = Annotated[str | None, typer.Option("--stream", metavar="SLUG", help="Only this stream.")]
