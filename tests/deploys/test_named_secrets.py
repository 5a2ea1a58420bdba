"""The secrets that a spec names, on a host: the destinations' and the archive's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from deploys import announcer, archiver, credentials
from deploys.facts.credential import Credential, CredentialState

PATH = "/etc/headend/credentials/announce-chat"
ABSENT = CredentialState()
PRIVATE = CredentialState(exists=True, private=True)
SAME = CredentialState(exists=True, private=True, same=True)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """The operator's secrets."""
    (tmp_path / "chat").write_text("https://example.org/SECRET \n")
    return str(tmp_path)


def place(run_operation: Callable[..., Any], state: CredentialState, local_dir: str, name: str = "chat") -> Any:
    paths = {name: announcer.secret_path("/etc/headend", name)}
    return run_operation(
        credentials.place_named,
        {Credential: state},
        paths=paths,
        local_dir=local_dir,
        setting="announcement_secrets_dir",
    )


@pytest.mark.parametrize("state", [ABSENT, PRIVATE], ids=["absent", "another"])
def test_a_secret_travels_as_standard_input(
    run_operation: Callable[..., Any], state: CredentialState, folder: str
) -> None:
    run = place(run_operation, state, folder)
    (command,) = run.commands
    shell, _, stdin = command.partition(" <<< ")
    assert PATH in shell
    assert stdin == repr("https://example.org/SECRET\n")
    assert "SECRET" not in shell + "".join(run.said)


@pytest.mark.parametrize("state, given", [(SAME, True), (PRIVATE, False)], ids=["operators", "the host's own"])
def test_a_secret_in_its_place_noop(
    run_operation: Callable[..., Any], state: CredentialState, given: bool, folder: str
) -> None:
    run = place(run_operation, state, folder if given else "")
    assert (run.commands, run.said) == ([], ["noop: the secrets that the spec names are in their places"])


def test_a_secret_that_nobody_has_stops_the_deploy(run_operation: Callable[..., Any], folder: str) -> None:
    with pytest.raises(OperationError) as error:
        place(run_operation, ABSENT, folder, "other")
    assert str(error.value) == (
        "/etc/headend/credentials/announce-other: the spec names the secret other, and the host has none. "
        "Put it there, or into the folder announcement_secrets_dir."
    )


@pytest.mark.parametrize("content", [b"", b"two\nlines\n", b"\xff\xfe"])
def test_a_file_that_is_no_secret(run_operation: Callable[..., Any], folder: str, content: bytes) -> None:
    (Path(folder) / "chat").write_bytes(content)
    with pytest.raises(OperationError, match=f"announcement_secrets_dir {folder}/chat: "):
        place(run_operation, ABSENT, folder)


def test_no_two_kinds_of_secret_share_a_place() -> None:
    assert archiver.secret_path("/etc/headend", "chat") == "/etc/headend/credentials/archive-chat"
    assert announcer.secret_path("/etc/headend", "chat") == PATH


def test_a_secret_that_only_root_should_read_is_closed(run_operation: Callable[..., Any], folder: str) -> None:
    run = place(run_operation, CredentialState(exists=True, same=True), folder)
    (command,) = run.commands
    assert "chmod 0600" in command
