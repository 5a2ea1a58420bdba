"""What every test folder shares: which tests need a host, and the one deployed host that they share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.clip import demo_clip
from testbed.origin import Key
from tests.support.encoders import Publish, encoders
from tests.support.hosts import Deployed, deployed

NEED_A_HOST = ("hosts", "end_to_end", "faults")

# A browser that watches, encoders that encode, a wheel that is built: no host, but minutes together.
SLOW = ("test_watch_page.py", "test_encoder.py", "test_wheel.py")


def pytest_configure(config: pytest.Config) -> None:
    """A marker of this file's own making."""
    config.addinivalue_line("markers", "slow: real programs at work; left out of ./run test --fast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a host and what takes long: ./run test --fast is `-m "not host and not slow"`."""
    for item in items:
        folder = item.path.relative_to(config.rootpath).parts
        if folder[0] == "tests" and folder[1] in NEED_A_HOST:
            item.add_marker(pytest.mark.host)
        elif item.path.name in SLOW:
            item.add_marker(pytest.mark.slow)


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
