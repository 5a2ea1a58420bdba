"""What a person sees while they wait: a spinner on a terminal, plain lines in a log. Always on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.markup import escape


class Progress:
    """Steps with their details: the spinner shows the current detail, a log gets every one."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._console = Console(stderr=True, highlight=False)
        self._spinner = self._console.status("") if sys.stderr.isatty() else None
        self._began = time.monotonic()
        self._step = ""

    def __enter__(self) -> Progress:
        if self._spinner:
            self._spinner.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._spinner:
            self._spinner.stop()

    def step(self, text: str) -> None:
        """A new step begins; what came before is done."""
        self._step = text
        self._print(f"{self._title} {time.monotonic() - self._began:5.1f} s  {text}")
        self._spin(text)

    def detail(self, text: str) -> None:
        """Something happened within the step."""
        if self._spinner:
            self._spin(f"{self._step}: {text}")
        else:
            self._print(f"    {text}")

    def _print(self, text: str) -> None:
        self._console.print(escape(text), soft_wrap=True)

    def _spin(self, text: str) -> None:
        if self._spinner:
            self._spinner.update(escape(text[: self._console.width - 4]))
