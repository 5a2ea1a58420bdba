"""`headend render`: the files of a role, to a folder or to standard output."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from headend.artifact import Artifact
from headend.cli.output import GROUP_DATA, AsJson, Code, GroupData, SpecArgument, load, load_layout, print_json, stop
from headend.fault import shown
from headend.render import ROLES, render_role

EVERY_ROLE = "all"


def render(
    role: Annotated[str, typer.Argument(help=f"One of {', '.join(ROLES)}, or {EVERY_ROLE}.")],
    spec: SpecArgument = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the tree into this folder.")] = None,
    to_stdout: Annotated[bool, typer.Option("--stdout", help="Print every file; the default.")] = False,
    group_data: GroupData = GROUP_DATA,
    as_json: AsJson = False,
) -> None:
    """Render the files of a role as a deploy would place them; no host is needed."""
    if role not in (*ROLES, EVERY_ROLE):
        stop(Code.USAGE, f"There is no role '{shown(role)}'. Use {', '.join(ROLES)} or {EVERY_ROLE}.", as_json=as_json)
    if out and to_stdout:
        stop(Code.USAGE, "Use --out or --stdout, not both.", as_json=as_json)
    layout = load_layout(group_data, as_json=as_json)
    loaded, _ = load(spec, as_json=as_json)
    roles = ROLES if role == EVERY_ROLE else (role,)
    artifacts = {artifact.path: artifact for name in roles for artifact in render_role(loaded, layout, name)}
    if out:
        write_tree(out, list(artifacts.values()), as_json=as_json)
    if as_json:
        print_json({"ok": True, "artifacts": [asdict(artifacts[path]) for path in sorted(artifacts)]})
    elif not out:
        for path in sorted(artifacts):
            typer.echo(f"==> {heading(artifacts[path])}\n{artifacts[path].text}")


def heading(artifact: Artifact) -> str:
    """Path, mode, owner and what follows. Example: /etc/x.conf 0644 root:root reload nginx@web.service."""
    after = f" {artifact.action} {artifact.unit}" if artifact.unit else ""
    return f"{artifact.path} {artifact.mode} {artifact.owner}:{artifact.group}{after}"


def write_tree(out: Path, artifacts: list[Artifact], *, as_json: bool) -> None:
    """Write every file below the folder under its host path; files of other renderings there stay and are counted."""
    written = {out / artifact.path.lstrip("/"): artifact for artifact in artifacts}
    try:
        for path, artifact in written.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artifact.text, encoding="utf-8")
            path.chmod(int(artifact.mode, 8))
        others = [path for path in out.rglob("*") if path.is_file() and path not in written]
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        stop(Code.FILE, f"{error.filename or out}: cannot be written ({reason}).", as_json=as_json)
    if not as_json:
        left = f"; {len(others)} other files there were left alone" if others else ""
        typer.echo(f"{len(written)} files in {out}{left}")
