"""The API as `headend-ctl` asks it: on loopback, with the token of whoever runs the command."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import requests
import typer

from hooks_app.facts_file import FactsError, load_facts

TIMEOUT_SECONDS = 15.0
TOKEN_FILE_VARIABLE = "HEADEND_TOKEN_FILE"  # noqa: S105  (the name of a variable that names a file)


def token_file() -> Path:
    """Where `headend-ctl login` puts the token: never an argument, which others could read."""
    named = os.environ.get(TOKEN_FILE_VARIABLE)
    config = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(named) if named else Path(config) / "headend" / "token"


def fail(line: str) -> NoReturn:
    """End the command with one line for people."""
    typer.echo(line, err=True)
    raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class Client:
    """Asks, and ends the command with the API's own sentence where the answer is no."""

    base: str

    @classmethod
    def of(cls, facts_file: Path) -> Client:
        """The app on this host."""
        try:
            facts = load_facts(facts_file)
        except FactsError as error:
            fail(str(error))
        return cls(f"http://127.0.0.1:{facts.listen_port}/api/v1")

    def get(self, path: str, **query: Any) -> Any:
        """A document."""
        return self._ask("GET", path, params={key: value for key, value in query.items() if value is not None})

    def items(self, path: str, limit: int, **query: Any) -> list[Any]:
        """The first so many of a list, page by page."""
        found: list[Any] = []
        cursor = None
        while len(found) < limit:
            page = self.get(path, limit=min(200, limit - len(found)), cursor=cursor, **query)
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
        return found

    def post(self, path: str, body: Any = None) -> Any:
        """Do something."""
        return self._ask("POST", path, json={} if body is None else body)

    def change(self, path: str, changes: dict[str, Any]) -> Any:
        """Change what was just read: nobody else's change in between is overwritten."""
        tag = self._send("GET", path).headers.get("ETag", "")
        return self._ask("PATCH", path, json=changes, headers={"If-Match": tag})

    def put(self, path: str, read: str) -> Any:
        """Likewise, for what has a path of its own."""
        tag = self._send("GET", read).headers.get("ETag", "")
        return self._ask("PUT", path, headers={"If-Match": tag})

    def set(self, path: str, body: Any) -> Any:
        """Make something so, whatever it was."""
        return self._ask("PUT", path, json=body)

    def remove(self, path: str) -> Any:
        """Have something removed."""
        return self._ask("DELETE", path)

    def follow(self, tell: Callable[[str], None], stream: str | None) -> None:
        """Pass on each line of the feed, until the connection ends."""
        query = {"stream": stream} if stream else {}
        with self._send("GET", "feed", params=query, stream=True, timeout=(TIMEOUT_SECONDS, 60)) as answer:
            for line in answer.iter_lines(decode_unicode=True):
                if line.startswith("data: "):
                    tell(line.removeprefix("data: "))

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self._send(method, path, **more)
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {**_authorization(), **more.pop("headers", {})}
        session = requests.Session()
        session.trust_env = False
        try:
            answer = session.request(
                method,
                f"{self.base}/{path}",
                headers=headers,
                allow_redirects=False,
                **{"timeout": TIMEOUT_SECONDS, **more},
            )
        except requests.RequestException as error:
            fail(f"{self.base}: {type(error).__name__}. Is headend-hooks.service running on this host?")
        if answer.ok:
            return answer
        try:
            detail = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"HTTP {answer.status_code}"
        if answer.status_code == 401:
            detail += " Make one with `headend token add --role operator`, keep it with `headend-ctl login`."
        fail(str(detail))


def _authorization() -> dict[str, str]:
    try:
        return {"Authorization": f"Bearer {token_file().read_text('ascii').strip()}"}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{token_file()}: {getattr(error, 'strerror', None) or 'is no text'}. Write it again: headend-ctl login")
