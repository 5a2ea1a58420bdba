"""Templates, and what becomes of them: a title and a text that fit their place.

A template's first line is the title, what follows the blank line after it is the text. A place without a template of
its own for an occasion takes the one of `any`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import TemplateError

from headend.announcing.channel import LIMITS, Channel
from headend.announcing.occasion import Occasion
from headend.announcing.sandbox import Sandbox
from headend.announcing.story import Story

ANY = "any"
Templates = Mapping[str, Mapping[str, str]]
"""Source by channel (or `any`) and occasion."""

# What people type into titles is text, also where * and _ mean something.
DISCORD_MARKUP = re.compile(r"([\\*_~`>|\[\]()#<])")
TIMESTAMP = re.compile(r"<t:-?\d+(:[tTdDfFR])?>")
MARKDOWN = re.compile(r"\*\*|__|\[[^\]]+\]\([a-z]+://")
HTML = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*[\s/>]")
# Up to what would open or close a link with another text.
URL = re.compile(r"https?://[^\s<>\[\]|`*\\]+")
# YouTube takes neither (youtube/v3/docs/videos#properties).
ANGLES: Final = str.maketrans({"<": "\u2039", ">": "\u203a"})
ONE_LINE: Final = ("title", "call_to_action", "reason")
FREE_TEXTS: Final = ("title", "description", "call_to_action", "reason")


class WordsError(ValueError):
    """A template that cannot be used; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is said."""

    title: str
    body: str


def source(templates: Templates, channel: Channel, occasion: Occasion) -> str | None:
    """The template of a place for an occasion; None where nothing is to be said there."""
    return templates.get(channel.value, {}).get(occasion.value) or templates.get(ANY, {}).get(occasion.value)


def say(templates: Templates, channel: Channel, occasion: Occasion, story: Story) -> Words | None:
    """The words for a place; None where nothing is to be said there. What is too long is cut. Raises WordsError."""
    text = source(templates, channel, occasion)
    if text is None:
        return None
    words, limits = _fitting(text, channel, story), LIMITS[channel]
    return Words(_cut(words.title, limits.title, channel), _cut(words.body, limits.body, channel))


def fill(text: str, channel: Channel, story: Story) -> Words:
    """A template with a story in it, however long that is. Raises WordsError."""
    try:
        filled = Sandbox().fill(text, _variables(channel, story))
        filled.encode()
    except UnicodeEncodeError:
        raise WordsError("it writes half of a character (a surrogate)") from None
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise WordsError(str(error).splitlines()[0] if str(error) else type(error).__name__) from None
    except Exception as error:
        # Too deep for Python, too much of one thing: the compiler of templates has no name for all of it.
        raise WordsError(f"it cannot be filled ({type(error).__name__})") from None
    title, _, body = filled.strip().partition("\n")
    return Words(_line(title), re.sub(r"\n{3,}", "\n\n", body.strip()))


def bare(text: str, channel: Channel, story: Story) -> Words:
    """What is left when all of the description is cut. Raises WordsError."""
    return fill(text, channel, story.model_copy(update={"description": ""}))


def _fitting(text: str, channel: Channel, story: Story) -> Words:
    """With as much of the description as there is room for: the link, and what viewers are asked to do, stay."""
    limits, whole = LIMITS[channel], fill(text, channel, story)
    if limits.length(whole.body) <= limits.body:
        return whole
    best, least, most = bare(text, channel, story), 0, len(story.description)
    while most - least > 1:
        middle = (least + most) // 2
        shorter = story.description[:middle].rstrip() + "…"
        words = fill(text, channel, story.model_copy(update={"description": shorter}))
        if limits.length(words.body) <= limits.body:
            best, least = words, middle
        else:
            most = middle
    return best


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
    names |= {name: _line(names[name]) for name in ONE_LINE if names[name]}
    if channel is Channel.DISCORD:
        names |= {name: _plain(names[name]) for name in FREE_TEXTS if names[name]}
    if channel is Channel.YOUTUBE:
        names |= {name: names[name].translate(ANGLES) for name in FREE_TEXTS if names[name]}
        names |= {name: tuple(one.translate(ANGLES) for one in names[name]) for name in ("hashtags", "items")}
    return names


def _line(text: str) -> str:
    """Without the ends of lines, of which Unicode has many."""
    return " ".join(text.split())


def _plain(text: str) -> str:
    """What people type, as Discord shows it; it links URLs by itself, and those with a backslash lead nowhere."""
    pieces, end = [], 0
    for found in URL.finditer(text):
        url = found[0].rstrip(".,:;!?'\"")
        while url.endswith(")") and url.count(")") > url.count("("):
            url = url[:-1]
        pieces += [DISCORD_MARKUP.sub(r"\\\1", text[end : found.start()]), url]
        end = found.start() + len(url)
    return "".join([*pieces, DISCORD_MARKUP.sub(r"\\\1", text[end:])])


def _cut(text: str, most: int, channel: Channel) -> str:
    length = LIMITS[channel].length
    if length(text) <= most:
        return text
    kept = text[:most]
    while length(kept) > most - 1:
        kept = kept[:-1]
    return kept.rstrip() + "…"
