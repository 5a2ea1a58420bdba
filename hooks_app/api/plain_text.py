"""Text that every database can keep and that moves no terminal's cursor: without control characters."""

from __future__ import annotations

import re
from typing import Any, Final

from fastapi import HTTPException, Request

FAULT: Final = "holds a control character"
# Lines and tabs are text. PostgreSQL keeps no NUL, and half a surrogate pair is no character at all.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def is_plain(value: Any) -> bool:
    """Whether no text in it, names of fields included, holds a control character."""
    match value:
        case str():
            return _CONTROL.search(value) is None
        case dict():
            return all(is_plain(name) and is_plain(one) for name, one in value.items())
        case list():
            return all(map(is_plain, value))
    return True


def check_address(request: Request) -> None:
    """422 for a path or a query with a control character."""
    for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
        if not is_plain(name) or not is_plain(value):
            raise HTTPException(422, f"{name if is_plain(name) else 'query'}: {FAULT}.")
