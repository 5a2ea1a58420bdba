"""What every test folder shares: which tests need a host, and the one deployed host that they share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from testbed.clip import demo_clip
from testbed.origin import Key
from tests.support.encoders import Publish, encoders
from tests.support.hosts import Deployed, deployed

NEED_A_HOST = ("hosts", "end_to_end", "faults")

# A browser that watches, encoders that encode, a wheel that is built, questions by the thousand, an announcer that is
# killed or lives through a day, recordings in real time: minutes together. And those that only root may run: they mount
# a disk to fill it.
SLOW = (
    "test_watch_page.py",
    "test_encoder.py",
    "test_wheel.py",
    "test_api_fuzz.py",
    "test_disk_full.py",
    "test_kills.py",
    "test_joining.py",
    "test_telling.py",
    "test_parts.py",
    "test_who_is_recorded.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """A marker of this file's own making."""
    config.addinivalue_line("markers", "slow: real programs at work; left out of ./run test --fast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a host and what takes long: ./run test --fast is `-m "not host and not slow"`."""
    for item in items:
        folder = item.path.relative_to(config.rootpath).parts
        if folder[0] == "tests" and folder[1] in NEED_A_HOST:
            item.add_marker(pytest.mark.host)
        elif item.path.name in SLOW or (isinstance(item, pytest.Function) and on_postgresql(item)):
            item.add_marker(pytest.mark.slow)


def on_postgresql(item: pytest.Function) -> bool:
    """Whether this is the second run of a test of the hook app, on a PostgreSQL server."""
    return hasattr(item, "callspec") and item.callspec.params.get("engine") == "postgresql"


@pytest.fixture(autouse=True)
def _no_connection_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes what a test leaves open, here: the garbage collector would blame whichever test runs when it finds it."""
    connect, opened = psycopg.connect, list[psycopg.Connection[Any]]()

    def remembered(*arguments: Any, **options: Any) -> psycopg.Connection[Any]:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(psycopg, "connect", remembered)
    yield
    for connection in opened:
        connection.close()


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployed]:
    """A bare host, deployed twice; gone after the session unless it was up before."""
    with deployed() as done:
        yield done


@pytest.fixture(scope="session")
def film() -> Path:
    """The clip that the demo publishes."""
    return demo_clip()


@pytest.fixture(scope="session")
def key(deployment: Deployed) -> Key:
    """A valid key of the stream."""
    return deployment.origin.add_key()


@pytest.fixture
def publish(deployment: Deployed, film: Path, tmp_path: Path) -> Iterator[Publish]:
    """Starts encoders for one test; afterwards they are gone and the stream is off air."""
    with encoders(deployment.origin, film, tmp_path) as start:
        yield start
