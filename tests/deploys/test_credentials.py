"""A host's secrets: made there once, or the operator's; never in a command line, never said."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from deploys import credentials
from deploys.facts.credential import Credential, CredentialState

PATH = "/etc/headend/credentials/master"
SECRET = "c" * 32
ABSENT = CredentialState()
PRIVATE = CredentialState(exists=True, private=True)
OPEN = CredentialState(exists=True)
SAME = CredentialState(exists=True, private=True, same=True)


@pytest.fixture
def operators(tmp_path: Path) -> str:
    """The operator's file, with the blanks that editors leave."""
    path = tmp_path / "master"
    path.write_text(f"{SECRET} \n\n")
    return str(path)


def place(run_operation: Callable[..., Any], state: CredentialState, local_file: str = "") -> Any:
    """Run the operation on a host in that state."""
    return run_operation(credentials.place_master, {Credential: state}, path=PATH, local_file=local_file)


def test_a_host_makes_its_own(run_operation: Callable[..., Any]) -> None:
    (command,) = place(run_operation, ABSENT).commands
    assert "/dev/urandom" in command
    assert "<<<" not in command


@pytest.mark.parametrize("state, local", [(PRIVATE, False), (SAME, True)], ids=["own", "operators"])
def test_a_secret_in_its_place_noop(
    run_operation: Callable[..., Any], state: CredentialState, local: bool, operators: str
) -> None:
    run = place(run_operation, state, operators if local else "")
    assert (run.commands, run.said) == ([], ["noop: the master secret is in its place"])


def test_a_secret_that_others_can_read_is_closed_again(run_operation: Callable[..., Any]) -> None:
    (command,) = place(run_operation, OPEN).commands
    assert command.endswith(f"chown root:root {PATH} && chmod 0600 {PATH}")


@pytest.mark.parametrize("state", [ABSENT, PRIVATE], ids=["absent", "another"])
def test_the_operators_travels_as_standard_input(
    run_operation: Callable[..., Any], state: CredentialState, operators: str
) -> None:
    run = place(run_operation, state, operators)
    (command,) = run.commands
    shell, _, stdin = command.partition(" <<< ")
    assert stdin == repr(f"{SECRET}\n")
    assert SECRET not in shell + "".join(run.said)
    assert bool(run.said) == state.exists  # that URLs end with the old secret is said


def test_pyinfra_prints_its_arguments_but_not_the_secret() -> None:
    """At -v it prints the arguments of every fact (measured, 3.10)."""
    secret = credentials.Secret(f"{SECRET}\n")
    assert list(secret) == [f"{SECRET}\n"]
    assert SECRET not in f"{secret} {secret!r} {[secret]}"


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "no such file or directory"),
        (b"short", "32"),
        (b"\xff" * 40, "not text"),
    ],
    ids=["missing", "short", "binary"],
)
def test_a_file_that_is_no_secret_is_one_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OperationError) as error:
        credentials.read_local(str(path))
    assert str(error.value).startswith(f"master_secret_file {path}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


DATABASE = "/etc/headend/credentials/database"
PASSWORD = "hunter2 with a blank"


def place_password(run_operation: Callable[..., Any], state: CredentialState, local_file: str = "") -> Any:
    """Run the other operation on a host in that state."""
    return run_operation(credentials.place_database_password, {Credential: state}, path=DATABASE, local_file=local_file)


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    """The operator's file, with the newline that editors leave."""
    path = tmp_path / "database"
    path.write_text(f"{PASSWORD}\n")
    return str(path)


@pytest.mark.parametrize("state, local", [(PRIVATE, False), (SAME, True)], ids=["own", "operators"])
def test_a_password_in_its_place_noop(
    run_operation: Callable[..., Any], state: CredentialState, local: bool, password_file: str
) -> None:
    run = place_password(run_operation, state, password_file if local else "")
    assert (run.commands, run.said) == ([], ["noop: the database's password is in its place"])


@pytest.mark.parametrize("state", [ABSENT, PRIVATE, OPEN], ids=["absent", "another", "open"])
def test_a_password_travels_as_standard_input(
    run_operation: Callable[..., Any], state: CredentialState, password_file: str
) -> None:
    run = place_password(run_operation, state, password_file)
    (command,) = run.commands
    shell, _, stdin = command.partition(" <<< ")
    assert stdin == repr(f"{PASSWORD}\n")
    assert PASSWORD not in shell + "".join(run.said)


def test_a_password_that_others_can_read_is_closed_again(run_operation: Callable[..., Any]) -> None:
    (command,) = place_password(run_operation, OPEN).commands
    assert command.endswith(f"chown root:root {DATABASE} && chmod 0600 {DATABASE}")


def test_no_password_anywhere_is_one_line(run_operation: Callable[..., Any]) -> None:
    with pytest.raises(OperationError) as error:
        place_password(run_operation, ABSENT)
    assert str(error.value) == (
        f"{DATABASE}: database_url names a server, and the host has no password for it. Set database_password_file."
    )


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "no such file or directory"),
        (b"", "must hold one line"),
        (b" \n", "must hold one line"),
        (b"hunter2\nhunter3\n", "must hold one line"),
        (b"hunter2\0\n", "must hold one line"),
        (b"\xff" * 40, "not text"),
    ],
    ids=["missing", "empty", "blank", "two_lines", "nul", "binary"],
)
def test_a_file_that_is_no_password_is_one_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OperationError) as error:
        credentials.read_password(str(path))
    assert str(error.value).startswith(f"database_password_file {path}: {said}")
    assert "hunter" not in str(error.value)
    assert "\n" not in str(error.value)


def sh(script: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of the operation on this machine, as root would."""
    return subprocess.run(["sh", "-c", script], input=stdin, capture_output=True, text=True, check=False)


@pytest.mark.host  # as root, whose the file is
def test_the_commands_at_work(run_operation: Callable[..., Any], tmp_path: Path, operators: str) -> None:
    path = tmp_path / "credentials" / "master"
    argument = {"path": str(path)}

    def run(state: CredentialState, local_file: str = "") -> str:
        facts = {Credential: state}
        (command,) = run_operation(credentials.place_master, facts, **argument, local_file=local_file).commands
        return str(command).partition(" <<< ")[0]

    def state(stdin: str) -> CredentialState:
        return Credential().process(sh(Credential().command(str(path)), stdin).stdout.splitlines())

    assert state("") == ABSENT
    made = run(ABSENT)
    assert sh(made).returncode == 0
    first = path.read_text()
    assert len(first) == 65
    assert sh(made).returncode == 0
    assert path.read_text() == first  # whoever came first wins
    assert state("") == PRIVATE
    assert sh(run(PRIVATE, operators), f"{SECRET}\n").returncode == 0
    assert state(f"{SECRET}\n") == SAME
    path.chmod(0o644)
    assert not state("").private
    assert sh(run(OPEN)).returncode == 0
    assert state("") == PRIVATE
    assert [file.name for file in path.parent.iterdir()] == ["master"]
