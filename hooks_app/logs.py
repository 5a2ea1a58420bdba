"""One JSON line per event on stdout, for the journal; with every stream key taken out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
_SECRET_FIELD = re.compile(r"key|secret|token|pass|nonce|signature|authorization|cookie|body", re.IGNORECASE)
_PUBLIC_FIELDS = frozenset({"key_id"})
# `key=…` in any text: a query, a form body, a traceback. `=` and the quotes may be escaped.
_SECRET_IN_TEXT = re.compile(r"(?i)((?:key|secret|token|password|passphrase|nonce|sig)(?:=|%3d))[^\s&\"'\\,;)]+")


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """structlog processor: secret-looking fields are replaced, `key=` in any text is emptied."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if _SECRET_FIELD.search(name) and name not in _PUBLIC_FIELDS:
        return REDACTED
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return _SECRET_IN_TEXT.sub(rf"\g<1>{REDACTED}", value)
    if isinstance(value, Mapping):
        return {inner: _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean("", item) for item in value]
    return value if isinstance(value, (int, float, bool, type(None))) else _clean("", str(value))


def configure(stream: TextIO | None = None) -> None:
    """Send structlog's events and every library's log records (uvicorn, alembic) through the same processors.

    To stdout, unless a stream is given.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.PositionalArgumentsFormatter()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # A line that cannot be written would otherwise be printed to stderr, raw.
    logging.raiseExceptions = False
    # Migrations announce themselves at every start.
    logging.getLogger("alembic").setLevel(logging.WARNING)
