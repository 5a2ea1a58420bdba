"""The bytes of a spec file become text, or a fault that says which byte is wrong."""

from __future__ import annotations

import re
from pathlib import Path

from headend.fault import Fault, Place, SpecError, UnreadableSpecError

# A spec with a hundred streams is under 20 kB; ruamel.yaml needs about a second for 144 kB.
SIZE_LIMIT_BYTES = 256 * 1024

# YAML 1.2 section 5.1: everything else in C0 and C1, and lone surrogates, must not appear in a file. U+0085, U+2028 and
# U+2029 end a line for some readers and not for others, so that positions would differ: refused too.
FORBIDDEN = re.compile("[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
BYTE_ORDER_MARK = "\ufeff"


def read_text(path: Path) -> str:
    """The text of a spec file, without a byte order mark.

    Raises UnreadableSpecError when the file cannot be read, SpecError when it is too large, not UTF-8 or not text.
    """
    data = read_bytes(path)
    name = str(path)
    if len(data) > SIZE_LIMIT_BYTES:
        fault = f"the file is larger than {SIZE_LIMIT_BYTES // 1024} kB"
        raise SpecError([Fault(Place(name, 1, 1), "", fault, "A spec is short; check that this is the right file")])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = place_of(name, data[: error.start].decode("utf-8"))
        raise SpecError([Fault(place, "", "the file is not UTF-8 from here on", "Save it as UTF-8")]) from None
    text = text.removeprefix(BYTE_ORDER_MARK)
    if found := FORBIDDEN.search(text):
        fault = f"control character U+{ord(found.group()):04X}"
        raise SpecError([Fault(place_of(name, text[: found.start()]), "", fault, "Remove it")])
    return text


def read_bytes(path: Path) -> bytes:
    """The file's bytes, at most one more than the limit, so that an endless file does no harm."""
    try:
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        fault = f"cannot be read ({reason.lower()})"
        raise UnreadableSpecError([Fault(Place(str(path), 1, 1), "", fault, "Name a spec file that exists")]) from None


def place_of(name: str, before: str) -> Place:
    """The place that follows the text `before`."""
    lines = re.split("\r\n|\r|\n", before)
    return Place(name, len(lines), len(lines[-1]) + 1)
