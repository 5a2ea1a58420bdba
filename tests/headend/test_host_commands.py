"""What an administrator types on a host: the dispatcher and the commands behind it."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from headend import host_commands
from headend.host_commands import COMMANDS, commands
from headend.layout import Layout
from tests.headend.house import LAYOUT

ECHO = '#!/bin/sh\nprintf "%s " "$(basename "$0")" "$@"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands in a folder, with programs behind them that say what they are given; setpriv drops no rights."""
    monkeypatch.setattr(host_commands, "FOLDER", str(tmp_path / "bin"))
    layout = Layout.from_data(
        {
            **LAYOUT.model_dump(),
            "prefix": f"{tmp_path}/opt",
            "config_dir": f"{tmp_path}/etc",
            "run_dir": str(tmp_path),
            "database_url": "postgresql+psycopg://headend@192.0.2.7/headend",
        }
    )
    files = {Path(artifact.path): artifact.text for artifact in commands(layout, archives=True)}
    files |= {
        tmp_path / f"opt/app/current/bin/headend-{name}": ECHO for name in ("key", "token", "backup", "ctl", "archive")
    }
    files[tmp_path / "fake/setpriv"] = '#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n'
    files[tmp_path / "fake/install"] = '#!/bin/bash\ncp "${@: -2:1}" "${@: -1}"\n'
    files[tmp_path / "fake/chown"] = "#!/bin/sh\n"
    files[tmp_path / "etc/credentials/master"] = "master\n"
    files[tmp_path / "etc/credentials/database"] = "hunter2\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return tmp_path


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = argv
    env = {"PATH": f"{folder}/fake:/usr/bin:/bin"}
    argv = (str(folder / "bin" / program), *arguments)
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", [*(command.name for command in COMMANDS), "ctl", "archive"])
def test_headend_passes_everything_on(name: str, folder: Path) -> None:
    long, short = run(folder, "headend", name, "list", "a b"), run(folder, f"headend-{name}", "list", "a b")
    assert (long.returncode, long.stdout) == (0, short.stdout)
    assert long.stdout.startswith(f"headend-{name} list a b ")


@pytest.mark.parametrize("arguments", [(), ("",), ("tokens",), ("../headend-key",), ("--help",)])
def test_anything_else_is_one_line(arguments: tuple[str, ...], folder: Path) -> None:
    done = run(folder, "headend", *arguments)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "Example: headend token --help" in done.stderr


@pytest.mark.parametrize("verb, given", [("add", True), ("rotate", True), ("srt-url", True), ("list", False)])
def test_the_master_secret_goes_only_to_who_derives_from_it(verb: str, given: bool, folder: Path) -> None:
    assert ("--master-fd 3" in run(folder, "headend-key", verb).stdout) is given
    assert "--master-fd" not in run(folder, "headend-token", verb).stdout


def test_the_databases_password_is_there_while_the_command_runs_and_gone_afterwards(folder: Path) -> None:
    program = folder / "opt/app/current/bin/headend-token"
    program.write_text('#!/bin/sh\ncat "$CREDENTIALS_DIRECTORY/database"; echo "$CREDENTIALS_DIRECTORY"; exit 3\n')
    done = run(folder, "headend-token", "list")
    password, where = done.stdout.splitlines()
    # The command's own exit status comes through.
    assert (done.returncode, password) == (3, "hunter2")
    assert re.fullmatch(rf"{folder}/command\.\w{{6}}", where)
    assert not Path(where).exists()


def test_every_command_is_a_program_of_the_release() -> None:
    programs = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert {
        f"headend-{name}" for name in (*(command.name for command in COMMANDS), "ctl", "archive")
    } <= programs.keys()


def test_the_archiver_is_not_started_by_hand(folder: Path) -> None:
    done = run(folder, "headend-archive", "run")
    assert (done.returncode, done.stdout) == (64, "")
    assert "systemctl start headend-archive" in done.stderr


def test_a_prune_is_the_units_and_a_dry_run_needs_no_key(folder: Path) -> None:
    for name in ("systemctl", "journalctl"):
        (folder / "fake" / name).write_text(ECHO)
        (folder / "fake" / name).chmod(0o755)
    assert run(folder, "headend-archive", "prune").stdout.startswith("systemctl start headend-prune.service")
    dry = run(folder, "headend-archive", "prune", "--dry-run").stdout
    assert dry == f"headend-archive prune --dry-run --facts {folder}/etc/archiver.json "


def test_where_nothing_is_recorded_there_is_no_archiver_to_ask() -> None:
    assert not [artifact.path for artifact in commands(LAYOUT) if "archive" in artifact.path]
