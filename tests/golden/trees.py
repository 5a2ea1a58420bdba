"""The rendered trees in git: `python -m tests.golden.trees` writes them anew after a change that was meant."""

from __future__ import annotations

import shutil
from pathlib import Path

from headend.loader import load_spec
from headend.model.spec import Spec
from headend.render import ROLES, render_role
from tests.headend.house import LAYOUT

SPECS = ("demo", "example", "samples/recorded")
TREES = Path(__file__).parent / "trees"

INDEX = "ARTIFACTS"
"""Lists what a file cannot show of itself: mode, owner, and the unit that must see it."""


def rendered(spec: Spec) -> dict[str, str]:
    """Every file of every role by its path in the tree: role, then path on the host."""
    files: dict[str, str] = {}
    for role in ROLES:
        artifacts = render_role(spec, LAYOUT, role)
        files |= {f"{role}{artifact.path}": artifact.text for artifact in artifacts}
        lines = [f"{one.mode} {one.owner}:{one.group} {one.path} {one.unit or '-'} {one.action}\n" for one in artifacts]
        files[f"{role}/{INDEX}"] = "".join(lines)
    return files


def rendered_spec(name: str) -> dict[str, str]:
    """The tree of specs/<name>.yaml as it is now."""
    return rendered(load_spec(Path(f"specs/{name}.yaml")))


def kept(name: str) -> dict[str, str]:
    """The tree of specs/<name>.yaml as git has it."""
    folder = TREES / name
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def write() -> None:
    """Replace all trees."""
    shutil.rmtree(TREES, ignore_errors=True)
    for name in SPECS:
        for path, text in rendered_spec(name).items():
            target = TREES / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)


if __name__ == "__main__":
    write()
