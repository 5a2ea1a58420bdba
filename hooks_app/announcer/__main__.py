"""`headend-announce`: the announcer's own command; its unit runs it."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from headend.model.facts import AnnouncementFacts, HookFacts
from hooks_app.announcer.crew import Crew, Post
from hooks_app.announcer.worker import Worker
from hooks_app.backup import in_use, sqlite_path
from hooks_app.clock import SystemClock
from hooks_app.database import Database, reason_of
from hooks_app.facts_file import FactsError, load_facts
from hooks_app.logs import configure
from hooks_app.notify import notify

SEATS = 4
"""So many messages are on their way at once: a place that hangs does not hold up the others."""
POLL_SECONDS = 0.2
SEAT_POLL_SECONDS = 0.5
"""A seat is called when there is something to send; what is tried again it finds by itself."""
RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 50.0
"""A seat may be busy with one message for 15 s, or 30 with Apprise's."""
STOP_SECONDS = 16.0

FACTS = Path("/etc/headend/announcer.json")

log = structlog.get_logger(__name__)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="headend-announce", description="Headend's announcer.")
    parser.add_argument("--facts", type=Path, default=FACTS, help="rendered facts (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        facts = load_facts(arguments.facts)
    except FactsError as error:
        sys.exit(str(error))
    if facts.announcements is None:
        sys.exit(f"{arguments.facts} announcements: there is no destination. Name one in the spec and deploy.")
    configure()
    path = sqlite_path(facts.database_url)
    # Nobody restores a backup under it.
    with in_use(path) if path is not None else nullcontext():
        serve(facts, facts.announcements)


def serve(facts: HookFacts, told: AnnouncementFacts) -> None:
    """Run until SIGTERM."""
    host, ready = socket.gethostname()[:64], [False]

    def tell(all_turn: bool) -> None:
        if all_turn and not ready[0]:
            ready[0] = True
            notify("READY=1")
            log.info("announcer started", mode=told.settings.mode)
        if all_turn:
            # One that is stuck is killed by the keeper; while the keeper turns, all is well.
            notify("WATCHDOG=1")

    jobs = [partial(look, facts, told, host), *[partial(send, facts, told, host)] * SEATS]
    Crew(jobs, patience_seconds=PATIENCE_SECONDS, stop_seconds=STOP_SECONDS).run(tell)


def look(facts: HookFacts, told: AnnouncementFacts, host: str, post: Post) -> None:
    """The process that looks at what is due."""
    worker, started = worker_at(facts, told, host, post), False
    while not post.is_over:
        # Also while the database is away: that is nothing that another process would do better.
        post.beat()
        try:
            if not started:
                worker.queue.start()
                started = True
            post.ring(worker.look())
            time.sleep(POLL_SECONDS)
        except SQLAlchemyError as error:
            failed(error)


def send(facts: HookFacts, told: AnnouncementFacts, host: str, post: Post) -> None:
    """A seat: a process that sends one message after the other."""
    worker = worker_at(facts, told, host, post)
    while not post.is_over:
        try:
            if post.before is not None:
                worker.queue.take_over(name_of(host, post.number, post.before))
                post.before = None
            post.beat()
            if not worker.send_next(post.beat):
                post.wait(SEAT_POLL_SECONDS)
        except SQLAlchemyError as error:
            failed(error)


def worker_at(facts: HookFacts, told: AnnouncementFacts, host: str, post: Post) -> Worker:
    """The worker of this process, with connections of its own."""
    return Worker(facts, told, Database(facts.database_url), SystemClock(), name_of(host, post.number, os.getpid()))


def name_of(host: str, number: int, pid: int) -> str:
    """By what a lease says whose it is."""
    return f"{host}/{number}:{pid}"


def failed(error: SQLAlchemyError) -> None:
    """A database that is away comes back; nothing else is to be done meanwhile."""
    log.error("database", error=reason_of(error))
    time.sleep(RETRY_SECONDS)


if __name__ == "__main__":
    main()
