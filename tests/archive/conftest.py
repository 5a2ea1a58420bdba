"""The catalogue on both databases, beside real folders, with time that passes when told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hooks_app.database import Database

# The app's own fixtures: databases of both engines, migrated.
from tests.hooks_app.conftest import database, database_url, engine, facts, migrated, plain_logs, server  # noqa: F401
from tests.support.shelf import Shelf


@pytest.fixture
def shelf(database: Database, tmp_path: Path) -> Iterator[Shelf]:  # noqa: F811
    with Shelf.made(database, tmp_path / "recordings") as made:
        yield made
