"""Every way a value can miss the model, as a fault with a remedy. Ranges, choices and examples come from the model."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from headend.fault import shown
from headend.keys import Key
from headend.near import nearest
from headend.patterns import Sentence, of_pattern
from headend.yaml_tree import Scalar

LEADING_NUMBER = re.compile(r"\s*(\d{1,6})(?![\d.,])")


def sentence(kind: str, key: Key, scalar: Scalar | None, given: object, context: dict[str, Any]) -> Sentence:
    """Fault and remedy for one of pydantic's error types at a key.

    `scalar` is the value as written, None for lists and mappings; `given` is the value as read.
    """
    if given is None:
        return has_no_value(key)
    if kind in MEASURES:
        return MEASURES[kind](key, given, context)
    if key.choices:
        return wrong_choice(key, scalar)
    if kind == "string_pattern_mismatch":
        return wrong_pattern(key, str(given))
    return wrong_kind(key, scalar, given)


def has_no_value(key: Key) -> Sentence:
    if key.kind in ("list", "mapping"):
        remedy = "Indent its content below it, or remove the key" if not key.required else "Indent its content below it"
        return "has no content", remedy
    default = "" if key.required else f"; or remove the line for the default {key.default_text}"
    return "has no value", f"{use(key)}{default}"


def wrong_kind(key: Key, scalar: Scalar | None, given: object) -> Sentence:
    found = kind_of(given, scalar)
    if key.kind == "whole number":
        leading = LEADING_NUMBER.match(given) if isinstance(given, str) else None
        if leading and leading.group(1) == str(given).strip():
            return "must be a whole number, not text in quotes", f"Write it without quotes: {leading.group(1)}"
        if leading:
            return f"must be a whole number, not {found}", f"Write the number alone; {lower(use(key))}"
        return f"must be a whole number, not {found}", use(key)
    if key.kind == "truth value":
        return f"must be true or false, not {found}", "Write it without quotes: true or false"
    if key.kind == "text":
        if scalar is None:
            return f"must be text, not {found}", use(key)
        return f"must be text, not {found}", f'Put it in quotes: "{shown(scalar.text)}"'
    if key.kind == "list":
        return f"must be a list, not {found}", "Start each item on a line of its own with '- '"
    return f"must be a mapping, not {found}", "Write 'key: value' lines, indented below it"


def kind_of(given: object, scalar: Scalar | None) -> str:
    """What was found, in the reader's words."""
    text = shown(scalar.text) if scalar else ""
    if isinstance(given, bool):
        return f"the truth value {text}"
    if isinstance(given, (int, float)):
        return f"the number {text}"
    if isinstance(given, str):
        return f"the text '{text}'" if text else "an empty text"
    return "a list" if isinstance(given, list) else "a mapping"


def wrong_choice(key: Key, scalar: Scalar | None) -> Sentence:
    text = scalar.text if scalar else ""
    near = nearest(text, key.choices)
    hint = f"Did you mean '{near}'? " if near else ""
    fault = f"'{shown(text)}' is not a choice" if scalar else "must be one word"
    return fault, f"{hint}Choose {key.allowed}"


def wrong_pattern(key: Key, given: str) -> Sentence:
    return of_pattern(key.path, key.name)(given)


MEASURES: dict[str, Callable[[Key, Any, dict[str, Any]], Sentence]] = {
    "greater_than_equal": lambda key, given, _: (f"{number(given)} is too low", use(key)),
    "less_than_equal": lambda key, given, _: (f"{number(given)} is too high", use(key)),
    "multiple_of": lambda key, given, context: not_multiple(given, context["multiple_of"]),
    "string_too_short": lambda key, given, _: ("the text is empty", use(key)),
    "string_too_long": lambda key, given, _: (f"{len(given)} characters are too many", use(key)),
    "too_short": lambda key, given, _: (
        "the list is empty",
        f"Add an item, starting with '- '; {key.allowed} are allowed",
    ),
    "too_long": lambda key, given, context: (
        f"{len(given)} items are too many",
        f"Use at most {context['max_length']}",
    ),
}


def not_multiple(given: int, step: int) -> Sentence:
    below = given - given % step
    return f"{number(given)} is not a multiple of {step}", f"Use {below} or {below + step}"


def use(key: Key) -> str:
    """What to write. Example: Use 100 to 50000 kbit/s; for example 2000."""
    example = f"for example {key.example}" if key.example else ""
    if key.allowed:
        return f"Use {key.allowed}" + (f"; {example}" if example and not key.choices else "")
    return f"Write {example or 'a value'}".replace("Write for example", "Write, for example,")


def number(given: int) -> str:
    return shown(str(given))


def lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def unknown_key(name: str, siblings: list[str], missing: list[str], known: list[str], home: str | None) -> Sentence:
    """A key that the model does not have here: what was probably meant, where it belongs, or what could be.

    `missing` are required keys that are absent, the likeliest meaning; `siblings` are present already, never proposed;
    `home` is where the model does have a key of this name.
    """
    open_keys = [key for key in known if key not in siblings]
    near = nearest(name, missing) or nearest(name, open_keys)
    if near:
        return "unknown key", f"Did you mean '{near}'?"
    if name in HINTS:
        return "unknown key", HINTS[name]
    if home is not None:
        return "unknown key", f"It belongs under '{home}'"
    return "unknown key", f"Known here: {', '.join(known)}"


# What people type from other tools.
KEYS_ARE_SECRETS = "A stream key is a secret and never in a spec; add one on the host with 'headend-key add SLUG'"
HINTS = {
    "width": "The width follows from the height: 16:9",
    "fps": "Did you mean 'frame_rate', under the ladder?",
    "framerate": "Did you mean 'frame_rate', under the ladder?",
    "bitrate": "Did you mean 'video_kbps'?",
    "port": "Did you mean 'rtmp_port', or 'port' under 'ingest.srt'?",
    "latency": "Did you mean 'latency_ms', under 'ingest.srt'?",
    "passphrase": "A passphrase is a secret and never in a spec; see 'headend-key srt-url' on the host",
    "secret_access_key": "It is a secret and never in a spec; 'secret' names the credential that holds it",
    "key": KEYS_ARE_SECRETS,
    "stream_key": KEYS_ARE_SECRETS,
    "password": KEYS_ARE_SECRETS,
}
