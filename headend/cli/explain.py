"""`headend explain`: the journey of a rendition's numbers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from headend.cli.output import GROUP_DATA, AsJson, Code, GroupData, SpecArgument, load, load_layout, print_json, stop
from headend.explain import Journey, Printed, Subject, clock_keys, journey
from headend.fault import shown
from headend.model.spec import Spec
from headend.near import nearest

EXCERPT_WIDTH = 100
EXCERPT_BEFORE = 30


def explain(
    what: Annotated[
        str, typer.Argument(metavar="STREAM/RENDITION[.KEY]", help="Example: demo/720p or demo/720p.video_kbps.")
    ],
    spec: SpecArgument = None,
    group_data: GroupData = GROUP_DATA,
    as_json: AsJson = False,
) -> None:
    """Explain one rendition: where its numbers are typed, what follows from them, and every line that prints them."""
    layout = load_layout(group_data, as_json=as_json)
    loaded, places = load(spec, as_json=as_json)
    name, _, key = what.partition(".")
    subject = find(loaded, name, as_json=as_json)
    known = [*type(subject.rung).model_fields, *clock_keys()]
    if key and key not in known:
        stop(Code.USAGE, f"There is no key '{shown(key)}'. Known here: {', '.join(known)}.", as_json=as_json)
    found = journey(subject, places, layout, [key] if key else None)
    if as_json:
        print_json({"ok": True, **asdict(found)})
    else:
        typer.echo(text(found))


def find(spec: Spec, name: str, *, as_json: bool) -> Subject:
    """The rendition that the command line names; ends the command when there is none."""
    subjects = {
        f"{stream.slug}/{rung.name}": Subject(spec, stream, rung)
        for stream in spec.streams
        for rung in spec.ladders[stream.ladder].rungs
    }
    if name not in subjects:
        near = nearest(name, subjects)
        hint = f"Did you mean '{near}'?" if near else f"Known: {', '.join(list(subjects)[:20])}."
        stop(Code.USAGE, f"There is no rendition '{shown(name)}'. {hint}", as_json=as_json)
    return subjects[name]


def text(found: Journey) -> str:
    """The journey for a terminal."""
    lines = [found.name, "", "typed"]
    width = max(len(typed.place or "(default)") for typed in found.typed)
    lines += [
        f"  {typed.place or '(default)':{width}}  {typed.path} = {typed.value} {typed.unit}".rstrip()
        for typed in found.typed
    ]
    lines += ["", "derived"]
    lines += [f"  {derived.name} = {derived.value}  <- {derived.formula}" for derived in found.derived]
    said = found.recorded.said_by
    what = "what the publisher sends" if found.recorded.records else "nothing"
    lines += ["", "recorded", f"  {what}  <- {said.path} = {said.value}, {said.place or '(default)'}"]
    lines += ["", "printed"]
    for key in dict.fromkeys(printed.key for printed in found.printed):
        lines.append(f"  {key}")
        lines += [
            f"    {printed.path}:{printed.line}: {excerpt(printed)}" for printed in found.printed if printed.key == key
        ]
    return "\n".join(lines)


def excerpt(printed: Printed) -> str:
    """The line, or the part of a long line around the number."""
    line = printed.text.strip()
    if len(line) <= EXCERPT_WIDTH:
        return line
    start = max(0, printed.column - 1 - EXCERPT_BEFORE)
    part = printed.text[start : start + EXCERPT_WIDTH]
    return f"{'…' if start else ''}{part}{'…' if start + EXCERPT_WIDTH < len(printed.text) else ''}"
