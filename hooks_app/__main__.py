"""`headend-hooks [serve|migrate]`: the hook app's own command."""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

import uvicorn
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import HookFacts
from hooks_app.app import Services, create_app
from hooks_app.database import Database
from hooks_app.facts_file import FACTS, FactsError, load_facts
from hooks_app.logs import configure
from hooks_app.notify import notify


class Server(uvicorn.Server):
    """uvicorn, which tells systemd when it really listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            notify("READY=1")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="headend-hooks", description="Headend's hook app.")
    parser.add_argument("--facts", type=Path, default=FACTS, help="rendered facts (default: %(default)s)")
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
    except CommandError as error:
        sys.exit(f"{facts.database_url}: {error}. A newer release migrated it: go back to that release.")
    if arguments.command == "serve":
        serve(facts)


def migrate(facts: HookFacts) -> None:
    """Bring the database to this release's tables."""
    database = Database(facts.database_url)
    database.migrate()
    database.close()


def serve(facts: HookFacts) -> None:
    """Run until SIGTERM."""
    config = uvicorn.Config(
        create_app(Services.real(facts)),
        host=facts.listen_host,
        port=facts.listen_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=3,
    )
    Server(config).run()


if __name__ == "__main__":
    main()
