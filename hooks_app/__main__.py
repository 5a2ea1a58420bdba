"""`headend-hooks [serve|migrate]`: the hook app's own command."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from contextlib import nullcontext
from pathlib import Path
from uuid import uuid4

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from headend.model.credential import read_master
from headend.model.facts import HookFacts
from hooks_app.api.feed import Feed
from hooks_app.app import Services, create_app
from hooks_app.backup import in_use, sqlite_path
from hooks_app.database import Database, MigrationError
from hooks_app.facts_file import FACTS, FactsError, load_facts
from hooks_app.logs import configure
from hooks_app.notify import notify


class Server(uvicorn.Server):
    """uvicorn, which tells systemd when it really listens, and lets go of those who listen to the feed."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            notify("READY=1")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop. Whoever listens to the feed would be waited for; they come back by themselves."""
        await self._feed.close()
        await super().shutdown(sockets)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="headend-hooks", description="Headend's hook app.")
    parser.add_argument("--facts", type=Path, default=FACTS, help="rendered facts (default: %(default)s)")
    parser.add_argument("--boot-id", default="", help="of this boot of the host; the unit gives systemd's")
    parser.add_argument("command", nargs="?", choices=("serve", "migrate"), default="serve")
    arguments = parser.parse_args()
    try:
        facts = load_facts(arguments.facts)
        configure()
        migrate(facts)
    except FactsError as error:
        sys.exit(str(error))
    except SQLAlchemyError as error:
        sys.exit(f"{facts.database_url}: {getattr(error, 'orig', error)}. Check the directory, its owner and the disk.")
    except MigrationError as error:
        sys.exit(f"{facts.database_url}: {error}. A newer release migrated it: go back to that release.")
    if arguments.command == "serve":
        serve(facts, arguments.boot_id)


def migrate(facts: HookFacts) -> None:
    """Bring the database to this release's tables."""
    database = Database(facts.database_url)
    database.migrate()
    database.close()


def serve(facts: HookFacts, boot_id: str) -> None:
    """Run until SIGTERM."""
    path = sqlite_path(facts.database_url)
    with in_use(path) if path is not None else nullcontext():
        _run(facts, boot_id)


def _run(facts: HookFacts, boot_id: str) -> None:
    app = create_app(Services.real(facts, boot_id or str(uuid4()), master()))
    config = uvicorn.Config(
        app,
        host=facts.listen_host,
        port=facts.listen_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=3,
    )
    Server(config, app.state.feed).run()


def master() -> bytes | None:
    """The master secret that systemd gives to the unit (LoadCredential, systemd.exec(5)); None where it gives none."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    try:
        return read_master((Path(folder) / "master").read_bytes()) if folder else None
    except (OSError, ValueError) as error:
        sys.exit(f"master secret: {error}. A deploy places it.")


if __name__ == "__main__":
    main()
