"""Does a stream key ever show up anywhere but in its owner's hands?"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from hooks_app.logs import REDACTED, configure
from hooks_app.table_base import Base
from tests.hooks_app.conftest import World
from tests.hooks_app.fakes import body, done_body, publish_pairs

CANARY = "canary-5Jq8Zx0vT2mN7rKc4Wb9Yd1Lf6Hs3Gp"


@pytest.fixture
def journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    monkeypatch.setattr(logging, "raiseExceptions", True)
    configure(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def logged(journal: io.StringIO) -> str:
    """Everything that was written, each line of it JSON."""
    assert all(json.loads(line) for line in journal.getvalue().splitlines())
    return journal.getvalue()


@pytest.mark.parametrize(
    "fields",
    [
        {"key": CANARY}, {"stream_key": CANARY}, {"secret": CANARY}, {"Authorization": CANARY}, {"token": CANARY},
        {"url": f"rtmp://origin/live/demo?key={CANARY}"}, {"form": f"app=live&key={CANARY}&type=live"},
        {"query": f"demo%3Fkey%3D{CANARY}"}, {"inner": {"key": CANARY}}, {"pairs": [f"key={CANARY}"]},
        {"raw": f"name=demo&key={CANARY}".encode()}, {"fault": ValueError(f"KEY={CANARY}")}, {"body": CANARY},
        {"passphrase": CANARY}, {"nonce": CANARY}, {"url": f"srt://origin:9000?streamid=x&passphrase={CANARY}"},
        {"stream_id": f"demo?u=11f74f79,exp=1,nonce={CANARY},sig={CANARY}"},
    ],
)  # fmt: skip
def test_a_key_is_taken_out_of_every_field(journal: io.StringIO, fields: dict[str, object]) -> None:
    structlog.get_logger("test").warning("something", **fields)
    output = logged(journal)
    assert CANARY not in output
    assert REDACTED in output


def test_a_key_is_taken_out_of_tracebacks_and_of_other_libraries_records(journal: io.StringIO) -> None:
    try:
        raise RuntimeError(f"bad query demo?key={CANARY}")
    except RuntimeError:
        structlog.get_logger("test").exception("failed")
        logging.getLogger("uvicorn.error").exception("failed %s", f"key={CANARY}")
    assert CANARY not in logged(journal)


def test_a_key_id_is_public(journal: io.StringIO) -> None:
    structlog.get_logger("test").warning("something", key_id="11f74f79")
    assert "11f74f79" in logged(journal)


def test_a_key_is_in_no_log_and_not_in_the_database_whatever_happens(world: World, journal: io.StringIO) -> None:
    world.go_live()
    world.publish(client=8), world.leave(), world.publish(key=CANARY)
    world.post("on_publish", body(publish_pairs(), f"name=x&key={CANARY}"))
    world.post("on_publish_done", done_body(CANARY))
    world.units.restarted = lambda slug: (_ for _ in ()).throw(RuntimeError(f"?key={world.key}"))
    world.clock.sleep(5)
    assert world.publish(client=9) == 503
    with world.database.engine.connect() as connection:
        tables = Base.metadata.sorted_tables
        dump = "\n".join(str(row) for table in tables for row in connection.execute(table.select()))
    seen = logged(journal) + dump
    assert world.key_id in seen
    assert world.key not in seen
    assert CANARY not in seen
