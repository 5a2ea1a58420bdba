"""The secrets of a host: the master secret, the database server's password, and those that the spec names.

From the master secret follow stream keys, passphrases and signatures. The host makes its own; hosts that are to accept
the same URLs share an operator's file. A password is always the operator's.

An operator's file travels as standard input, so that it is in no argument list, no log and no temporary file, and the
host itself compares it with what it has.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyinfra import host, logger
from pyinfra.api import StringCommand, operation
from pyinfra.api.exceptions import OperationError

from deploys.commands import Commands
from deploys.facts.credential import Credential, CredentialState
from headend.model.credential import read_master

# Bytes of the kernel's randomness, printed as 64 characters of base64.
RANDOM_BYTES = 48


@operation()
def place_master(path: str, local_file: str) -> Commands:
    """Make the master secret on the host if it has none, or give it the operator's.

    + path: where it lies on the host
    + local_file: the operator's file; empty for a secret of the host's own
    """
    secret = Secret(read_local(local_file)) if local_file else None
    there = host.get_fact(Credential, path=path, _stdin=secret or ())
    if in_place(there, secret):
        host.noop("the master secret is in its place")
    elif there.exists and (there.same or secret is None):
        yield close(path)
    elif secret is None:
        file = shlex.quote(path)
        # ln never replaces: whoever made one in between wins.
        made = f"head -c {RANDOM_BYTES} /dev/urandom | base64 --wrap=0 >{file}.new && echo >>{file}.new"
        yield StringCommand(
            f"{private(path)} && {made} && sync {file}.new && ln -T {file}.new {file}; rm -f {file}.new; test -f {file}"
        )
    else:
        if there.exists:
            host.log("the master secret changes: URLs and keys made from the old one end with it", logger.warning)
        yield write(path, secret)


@operation()
def place_database_password(path: str, local_file: str) -> Commands:
    """Give the host the operator's password of its database server, or leave it the one that it has.

    + path: where it lies on the host
    + local_file: the operator's file; empty if the host has it already
    """
    secret = Secret(read_password(local_file)) if local_file else None
    there = host.get_fact(Credential, path=path, _stdin=secret or ())
    if in_place(there, secret):
        host.noop("the database's password is in its place")
    elif there.exists and (there.same or secret is None):
        yield close(path)
    elif secret is None:
        raise OperationError(
            f"{path}: database_url names a server, and the host has no password for it. Set database_password_file."
        )
    else:
        yield write(path, secret)


@operation()
def place_named(paths: Mapping[str, str], local_dir: str, setting: str) -> Commands:
    """Give the host the operator's secrets that the spec names, or leave it those that it has.

    + paths: where each lies on the host, by its name in the spec
    + local_dir: the operator's folder, a file for each; empty if the host has them already
    + setting: what that folder is called in the inventory
    """
    changed = False
    for name, path in paths.items():
        text = read_named(local_dir, name, setting)
        secret = Secret(text) if text is not None else None
        there = host.get_fact(Credential, path=path, _stdin=secret or ())
        if in_place(there, secret):
            continue
        changed = True
        if secret is not None and not there.same:
            yield write(path, secret)
        elif there.exists:
            yield close(path)
        else:
            raise OperationError(
                f"{path}: the spec names the secret {name}, and the host has none. "
                f"Put it there, or into the folder {setting}."
            )
    if not changed:
        host.noop("the secrets that the spec names are in their places")


def in_place(there: CredentialState, secret: Secret | None) -> bool:
    """Whether nothing is to be done."""
    return there.exists and there.private and (there.same or secret is None)


def private(path: str) -> str:
    """Shell that makes the folder of a credential, root's alone."""
    return f"umask 077; install -d -m 0700 -o root -g root {shlex.quote(str(Path(path).parent))}"


def close(path: str) -> StringCommand:
    """The command that makes a credential root's alone."""
    file = shlex.quote(path)
    return StringCommand(f"{private(path)} && chown root:root {file} && chmod 0600 {file}")


def write(path: str, secret: Secret) -> StringCommand:
    """The command that writes a credential from standard input, whole."""
    file = shlex.quote(path)
    return StringCommand(
        f"{private(path)} && cat >{file}.new && sync {file}.new && mv -fT {file}.new {file}", _stdin=secret
    )


class Secret(Iterable[str]):
    """Standard input that pyinfra may print as it does with any argument: only who reads its lines sees them."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __iter__(self) -> Iterator[str]:
        return iter(self.readlines())

    def readlines(self) -> list[str]:
        """The lines, with their ends; pyinfra's connectors ask for them."""
        return self._text.splitlines(keepends=True)

    def __repr__(self) -> str:
        return "<secret>"


def read_local(name: str) -> str:
    """The operator's secret as the host will have it: one line of text. Raises OperationError with one line."""
    try:
        return read_master(Path(name).read_bytes()).decode() + "\n"
    except UnicodeDecodeError:
        raise OperationError(f"master_secret_file {name}: not text. Make one with: openssl rand -base64 48") from None
    except (OSError, ValueError) as error:
        raise OperationError(f"master_secret_file {name}: {_said(error)}") from None


def read_password(name: str) -> str:
    """The operator's password as the host will have it: one line of text. Raises OperationError with one line."""
    try:
        text = Path(name).read_bytes().decode().strip("\r\n")
    except UnicodeDecodeError:
        raise OperationError(f"database_password_file {name}: not text") from None
    except OSError as error:
        raise OperationError(f"database_password_file {name}: {_said(error)}") from None
    if not text.strip() or not text.isprintable():
        raise OperationError(f"database_password_file {name}: must hold one line, with the password and nothing else")
    return text + "\n"


def read_named(folder: str, name: str, setting: str) -> str | None:
    """The operator's secret as the host will have it: one line; None where the folder does not have it."""
    if not folder:
        return None
    path = Path(folder) / name
    try:
        text = path.read_bytes().decode().strip()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise OperationError(f"{setting} {path}: not text") from None
    except OSError as error:
        raise OperationError(f"{setting} {path}: {_said(error)}") from None
    if not text or not text.isprintable():
        raise OperationError(f"{setting} {path}: must hold one line, with the secret and nothing else")
    return text + "\n"


def _said(error: Exception) -> str:
    return (error.strerror or "cannot be read").lower() if isinstance(error, OSError) else str(error)
