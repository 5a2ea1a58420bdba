"""What ruamel.yaml's complaints mean to somebody who writes a spec: a fault and a remedy for each."""

from __future__ import annotations

# Part of ruamel.yaml's problem text, then our fault and remedy. The first that fits is taken.
SENTENCES = (
    ("character '\\t'", "a tab cannot indent YAML", "Use spaces"),
    ("character '@'", "text cannot start with @", "Put it in quotes"),
    ("character '`'", "text cannot start with a backquote", "Put it in quotes"),
    ("character '%'", "text cannot start with %", "Put it in quotes"),
    ("sequence entries are not allowed", "a list cannot start on this line", "Start each '- ' on a line of its own"),
    ("unknown escape character", "unknown escape after a backslash", "Use single quotes, or write the backslash twice"),
    ("could not find expected ':'", "a key without a colon", "Write 'key: value'"),
    ("found undefined tag", "a spec has no YAML tags", "Remove the word that starts with !"),
    ("found duplicate anchor", "this anchor is set twice", "Give each anchor its own name"),
)


INDENTATION = (
    "the indentation does not fit the lines above",
    "Indent keys of one mapping by the same number of spaces",
)


def sentence(problem: str, context: str, opened_line: int | None, before: str) -> tuple[str, str]:
    """Fault and remedy for a problem of the YAML parser.

    `opened_line` is where the unfinished thing began, `before` the text of the line in front of the problem.
    """
    if "mapping values are not allowed" in problem:
        if ": " in before:
            return "a second colon in one line", "Put text with ': ' in quotes, or start a new line"
        return INDENTATION
    for part, fault, remedy in SENTENCES:
        if part in problem:
            return fault, remedy
    since = f" that opened in line {opened_line}" if opened_line else ""
    if "quoted scalar" in context:
        return f"a quote{since} is never closed", "Close it on the same line"
    if "flow" in context:
        bracket = "bracket" if "sequence" in context else "brace"
        return f"a {bracket}{since} is not closed properly", "Separate items with commas and close it"
    if "block mapping" in context or "block collection" in context or "block sequence" in context:
        return INDENTATION
    return "this is not YAML", "Compare it with specs/example.yaml"
