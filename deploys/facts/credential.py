"""A credential on a host, without its content: neither that nor a hash of it ever leaves the host."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from pyinfra.api import FactBase


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialState:
    """What can be said of a credential in public."""

    exists: bool = False
    private: bool = False
    """Whether it is root's alone: mode 0600 in a folder of mode 0700."""
    same: bool = False
    """Whether it holds what the question's standard input held."""


class Credential(FactBase[CredentialState]):
    """A credential's file compared, on the host, with what comes on standard input (pyinfra's `_stdin`)."""

    default = CredentialState

    def command(self, path: str) -> str:
        file = shlex.quote(path)
        return (
            f"if test -f {file}; then echo exists;"
            f" test \"$(stat -c '%a %U:%G' {file} \"$(dirname {file})\" | tr '\\n' ' ')\""
            " = '600 root:root 700 root:root ' && echo private;"
            f" cmp --silent - {file} && echo same; fi; true"
        )

    def process(self, output: list[str]) -> CredentialState:
        return CredentialState(exists="exists" in output, private="private" in output, same="same" in output)
