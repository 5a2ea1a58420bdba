"""An awkward object store: `rclone serve s3`.

Its ETag of a multipart upload is the plain MD5, it echoes checksums that it never checked, changes the case of metadata
keys, and ignores conditions.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from testbed.places import cache_dir
from testbed.s3_server import Place, Program, answers, free_ports, new_secret, wait_ready
from testbed.store_tools import store_tools

USER = "archive"


class Rclone:
    """The store; a context manager that has it running, and takes its data away at the end."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.address = address
        self.port = port or free_ports(1, address)[0]
        self.place = Place(f"http://{address}:{self.port}", USER, new_secret())
        self.folder = Path(tempfile.mkdtemp(prefix="rclone-", dir=cache_dir()))

    def __enter__(self) -> Self:
        data = self.folder / "data"
        data.mkdir()
        # Keys and all by the environment: an argument list is for everybody to read.
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "RCLONE_CONFIG": os.devnull,
            # A list of pairs, as CSV has it: this pair is one field.
            "RCLONE_AUTH_KEY": f'"{USER},{self.place.secret}"',
        }
        argv = [str(store_tools() / "rclone"), "serve", "s3", "--addr", f"{self.address}:{self.port}", str(data)]
        self.program = Program(argv, self.folder / "rclone.log", environment)
        try:
            wait_ready("rclone", [self.program], lambda: answers(self.address, self.port, "/"))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        self.program.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
