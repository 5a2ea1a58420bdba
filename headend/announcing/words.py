"""Templates, and what becomes of them: a title and a text that fit their place.

A template's first line is the title, what follows the blank line after it is the text. A place without a template of
its own for an occasion takes the one of `any`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from headend.announcing.channel import LIMITS, Channel
from headend.announcing.occasion import Occasion
from headend.announcing.story import Story

ANY = "any"
Templates = Mapping[str, Mapping[str, str]]
"""Source by channel (or `any`) and occasion."""

# What people type into titles is text, also where * and _ mean something.
DISCORD_MARKUP = re.compile(r"([\\*_~`>|\[\]()#<])")
TIMESTAMP = re.compile(r"<t:-?\d+(:[tTdDfFR])?>")
MARKDOWN = re.compile(r"\*\*|__|\[[^\]]+\]\([a-z]+://")
HTML = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*[\s/>]")
FREE_TEXTS: Final = ("title", "description", "call_to_action", "reason")


class WordsError(ValueError):
    """A template that cannot be used; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said."""

    title: str
    body: str


class _Sandbox(ImmutableSandboxedEnvironment):
    """Templates see a story, and cannot grow without bounds."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not (isinstance(left, int) and isinstance(right, int)):
            raise TemplateError(f"{operator} is not for templates")
        return super().call_binop(context, operator, left, right)


_SANDBOX: Final = _Sandbox(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)


def source(templates: Templates, channel: Channel, occasion: Occasion) -> str | None:
    """The template of a place for an occasion; None where nothing is to be said there."""
    return templates.get(channel.value, {}).get(occasion.value) or templates.get(ANY, {}).get(occasion.value)


def say(templates: Templates, channel: Channel, occasion: Occasion, story: Story) -> Words | None:
    """The words for a place; None where nothing is to be said there. What is too long is cut. Raises WordsError."""
    text = source(templates, channel, occasion)
    if text is None:
        return None
    words, limits = fill(text, channel, story), LIMITS[channel]
    return Words(_cut(words.title, limits.title, channel), _cut(words.body, limits.body, channel))


def fill(text: str, channel: Channel, story: Story) -> Words:
    """A template with a story in it, however long that is. Raises WordsError."""
    try:
        filled = _SANDBOX.from_string(text).render(_variables(channel, story))
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise WordsError(str(error).splitlines()[0] if str(error) else type(error).__name__) from None
    title, _, body = filled.strip().partition("\n")
    return Words(title.strip(), re.sub(r"\n{3,}", "\n\n", body.strip()))


def faults(words: Words, channel: Channel) -> list[str]:
    """What is wrong with words for a place: a sentence each."""
    limits, found = LIMITS[channel], []
    for name, text, most in (("title", words.title, limits.title), ("text", words.body, limits.body)):
        if limits.length(text) > most:
            found.append(f"the {name} has {limits.length(text)} {limits.counted}, {channel.value} takes {most}")
    if not words.title:
        found.append("the first line, which is the title, is empty")
    both = f"{words.title}\n{words.body}"
    if channel is Channel.DISCORD:
        if HTML.search(TIMESTAMP.sub("", both)):
            found.append("HTML, which Discord shows as it is")
    elif TIMESTAMP.search(both):
        found.append(f"a timestamp of Discord's, which {channel.value} shows as it is")
    elif channel is not Channel.WEBHOOK and MARKDOWN.search(both):
        found.append(f"Markdown, which {channel.value} shows as it is")
    if channel is Channel.YOUTUBE and re.search("[<>]", both):
        found.append("< or >, which YouTube does not take")
    return found


def _variables(channel: Channel, story: Story) -> dict[str, Any]:
    computed = ("starts", "starts_discord", "starts_in_discord", "duration")
    names = {name: getattr(story, name) for name in (*Story.model_fields, *computed)}
    if channel is Channel.DISCORD:
        names |= {name: DISCORD_MARKUP.sub(r"\\\1", names[name]) for name in FREE_TEXTS if names[name]}
    return names


def _cut(text: str, most: int, channel: Channel) -> str:
    length = LIMITS[channel].length
    if length(text) <= most:
        return text
    kept = text[:most]
    while length(kept) > most - 1:
        kept = kept[:-1]
    return kept.rstrip() + "…"
