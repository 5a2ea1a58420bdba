"""The file as YAML: what stops reading, and what YAML means by it."""

from __future__ import annotations

from tests.spec.table import SITE, STREAMS, Case

CASES = (
    Case(
        "empty file",
        "",
        "1:1: the file is empty. Start from specs/example.yaml.",
    ),
    Case(
        "only comments",
        "# nothing yet\n",
        "1:1: the file is empty. Start from specs/example.yaml.",
    ),
    Case(
        "a list instead of a mapping",
        "- slug: demo\n",
        "1:1: a spec is a mapping. Start with 'site:' and 'streams:'; see specs/example.yaml.",
    ),
    Case(
        "plain text instead of a mapping",
        "hello\n",
        "1:1: a spec is a mapping. Start with 'site:' and 'streams:'; see specs/example.yaml.",
    ),
    Case(
        "two documents",
        SITE + STREAMS + "---\nsite:\n  public_url: https://live.example.org\nstreams:\n  - slug: demo\n"
        "    title: Demo\n",
        "6:1: a second document starts here. Keep one spec in a file.",
    ),
    Case(
        "a YAML 1.1 directive",
        "%YAML 1.1\n---\nsite:\n  public_url: https://live.example.org\n" + STREAMS,
        "2:1: specs are YAML 1.2. Remove the %YAML line.",
    ),
    Case(
        "a tab as indentation",
        "site:\n\tpublic_url: https://live.example.org\n" + STREAMS,
        "2:1: a tab cannot indent YAML. Use spaces.",
    ),
    Case(
        "a second colon",
        SITE + "streams:\n  - slug: demo\n    title: News: tonight\n",
        "5:16: a second colon in one line. Put text with ': ' in quotes, or start a new line.",
    ),
    Case(
        "an open quote",
        SITE + 'streams:\n  - slug: demo\n    title: "Demo\n',
        "6:1: a quote that opened in line 5 is never closed. Close it on the same line.",
    ),
    Case(
        "an open bracket",
        SITE + STREAMS + "ingest:\n  deny_publish: [10.0.0.0/8\nretention:\n  ended_window_hours: 2\n",
        "8:10: a bracket that opened in line 7 is not closed properly. Separate items with commas and close it.",
    ),
    Case(
        "uneven indentation",
        SITE + "streams:\n  - slug: demo\n     title: Demo\n",
        "5:11: the indentation does not fit the lines above. Indent keys of one mapping by the same number of spaces.",
    ),
    Case(
        "text that starts with @",
        SITE + "streams:\n  - slug: demo\n    title: @home\n",
        "5:12: text cannot start with @. Put it in quotes.",
    ),
    Case(
        "an unknown escape",
        SITE + 'streams:\n  - slug: demo\n    title: "C:\\path"\n',
        "5:16: unknown escape after a backslash. Use single quotes, or write the backslash twice.",
    ),
    Case(
        "a YAML tag",
        SITE + "streams:\n  - slug: !!python/object:os.system demo\n    title: Demo\n",
        "4:11 streams[0].slug: a spec has no YAML tags. Remove the word that starts with !.",
    ),
    Case(
        "an alias without an anchor",
        SITE + "streams:\n  - slug: demo\n    title: *star\n",
        "5:12 streams[0].title: alias *star has no finished anchor above it. Put text that starts with "
        "* in quotes, or set the anchor first.",
    ),
    Case(
        "an alias of itself",
        SITE + STREAMS + "ladders: &a\n  default: *a\n",
        "7:12 ladders.default: alias *a has no finished anchor above it. Put text that starts with * in "
        "quotes, or set the anchor first.",
    ),
    Case(
        "a merge key",
        SITE + STREAMS + "ladders:\n  default: &d\n    frame_rate: 25\n    gop_frames: 50\n  other:\n    <<: *d\n",
        "11:5 ladders.other: merge keys (<<) are not part of YAML 1.2. Write the keys out.",
    ),
    Case(
        "a list as a key",
        SITE + STREAMS + "? [a, b]\n: 1\n",
        "6:3: a key must be text. Write 'key: value' here, one to a line.",
    ),
    Case(
        "a number as a key",
        SITE + STREAMS + "ladders:\n  1080:\n    frame_rate: 30\n",
        "4:5 streams[0].ladder: there is no ladder 'default'. Ladders here: 1080.",
        '7:3 ladders: the key 1080 is not text. Put it in quotes: "1080".',
    ),
    Case(
        "a duplicate key",
        SITE + STREAMS + "    title: Other\n",
        "6:5 streams[0].title: given twice, first in line 5. Keep one of them.",
    ),
    Case(
        "a duplicate top-level key",
        SITE + STREAMS + "site:\n  public_url: https://other.example.org\n",
        "6:1 site: given twice, first in line 1. Keep one of them.",
    ),
    Case(
        "nested too deeply",
        SITE + STREAMS + "retention: [[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]\n",
        "6:32: nested deeper than 20 levels. Compare it with specs/example.yaml.",
    ),
    Case(
        "an escaped control character",
        SITE + 'streams:\n  - slug: demo\n    title: "De\\0mo"\n',
        "5:12 streams[0].title: the text has the control character U+0000. Remove it.",
    ),
    Case(
        "text over two lines",
        SITE + "streams:\n  - slug: demo\n    title: |\n      Demo\n      two\n",
        "5:12 streams[0].title: the text has a line break. Write it on one line.",
    ),
    Case(
        "a control character in the file",
        SITE + "streams:\n  - slug: demo\n    title: De\x07mo\n",
        "5:14: control character U+0007. Remove it.",
    ),
)
