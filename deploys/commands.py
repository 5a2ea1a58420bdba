"""What an operation yields to pyinfra."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from pyinfra.api import FileUploadCommand, StringCommand

Commands: TypeAlias = Generator[StringCommand | FileUploadCommand, None, None]
