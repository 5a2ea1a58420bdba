"""What a single YAML 1.2 value means, by the core schema (YAML 1.2.2, section 10.3.2)."""

from __future__ import annotations

import re
import unicodedata

NULL = re.compile(r"null|Null|NULL|~|")
BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
INTEGER = re.compile(r"[-+]?[0-9]+")
BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
NUMBER_LENGTH = 40

Plain = None | bool | int | float | str

# Control characters, lone surrogates, line and paragraph separators: nothing a spec says needs one, and rendered text
# must not hold one.
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


def core_schema(text: str) -> Plain:
    """What an unquoted YAML 1.2 scalar means."""
    if NULL.fullmatch(text):
        return None
    if BOOLEAN.fullmatch(text):
        return text.lower() == "true"
    if len(text) > NUMBER_LENGTH:
        return text
    if INTEGER.fullmatch(text):
        return int(text)
    if BASED.fullmatch(text):
        return int(text, 0)
    if FLOAT.fullmatch(text):
        return float(re.sub(r"\.(?=[iInN])", "", text))
    return text


def unprintable(text: str) -> tuple[str, str] | None:
    """Fault and remedy when the text has a character that no value of a spec may hold."""
    found = next((character for character in text if unicodedata.category(character) in UNPRINTABLE), None)
    if found is None:
        return None
    if found == "\n":
        return "the text has a line break", "Write it on one line"
    return f"the text has the control character U+{ord(found):04X}", "Remove it"
