"""Do the words fit their places, and can a template do nothing but say them?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.announcing.channel import LIMITS, Channel
from headend.announcing.defaults import default_templates
from headend.announcing.occasion import Occasion
from headend.announcing.story import Story, length
from headend.announcing.words import WordsError, faults, fill, say, source

START = datetime(2026, 12, 1, 19, 0, tzinfo=UTC)


def story(**changed: Any) -> Story:
    """A broadcast with everything."""
    known: dict[str, Any] = {
        "stream": "coffee-and-stocks",
        "title": "Open bell",
        "description": "What moves the market today.",
        "owner": "marketing",
        "live_url": "https://live.example.org/watch/coffee-and-stocks",
        "playlist_url": "https://live.example.org/streams/coffee-and-stocks/index.m3u8",
        "starts_at": START,
        "ends_at": START + timedelta(minutes=65),
        "time_zone": "Europe/Berlin",
        "minutes": 10,
        "peak_viewers": 120,
        "recap_url": "https://live.example.org/recap",
        "call_to_action": "Go for gold",
        "call_to_action_url": "https://example.org/gold-upgrade",
        "hashtags": ("#stocks", "#live"),
    }
    return Story(**{**known, **changed})


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("occasion", [one for one in Occasion if one is not Occasion.DIGEST])
def test_what_headend_brings_fits_every_place(channel: Channel, occasion: Occasion) -> None:
    long = story(title="W" * 120, description="lorem " * 200, peak_viewers=None)
    for told in (story(), story(description="", call_to_action="", hashtags=(), ends_at=None, recap_url=None), long):
        text = source(default_templates(), channel, occasion)
        assert text is not None
        words = fill(text, channel, told)
        found = faults(words, channel)
        # Captions of TikTok and of Apprise's smallest services are short: a long description is cut, and nothing else.
        assert [one for one in found if not (told is long and "takes" in one)] == []
        said = say(default_templates(), channel, occasion, told)
        assert said is not None
        assert faults(said, channel) == []


def test_times_are_in_the_site_s_zone_and_discord_s_own() -> None:
    assert story().starts == "Tue 1 Dec, 20:00 CET"
    assert story().starts_discord == "<t:1796151600:F>"
    assert story(starts_at=datetime(2026, 7, 1, 18, 0, tzinfo=UTC)).starts == "Wed 1 Jul, 20:00 CEST"
    assert story(starts_at=None).starts == ""


@pytest.mark.parametrize("minutes, said", [(0.2, "1 min"), (59.6, "1 h"), (65, "1 h 5 min"), (1500, "25 h")])
def test_lengths(minutes: float, said: str) -> None:
    assert length(timedelta(minutes=minutes)) == said


def test_a_duration_is_what_was_and_before_that_what_is_planned() -> None:
    assert story().duration == "1 h 5 min"
    assert story(live_at=START, ended_at=START + timedelta(minutes=7)).duration == "7 min"


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing }}",
        "{{ title.__class__.__mro__ }}",
        "{{ ''.__class__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for one in range(1000000000) %}x{% endfor %}",
        "{{ title.format_map }}{{ '{0.__class__}'.format(title) }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ hashtags.append('x') }}",
        "{% if %}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_can_do_nothing_else(template: str) -> None:
    with pytest.raises(WordsError):
        fill(template, Channel.WEBHOOK, story())


def test_a_title_is_text_for_discord() -> None:
    words = say(
        default_templates(), Channel.DISCORD, Occasion.LIVE, story(title="**@everyone** [x](http://evil.example)")
    )
    assert words is not None
    assert words.title == r"🔴 \*\*@everyone\*\* \[x\]\(http://evil.example\) is live"


@pytest.mark.parametrize(
    "channel, text, fault",
    [
        (Channel.DISCORD, "<b>now</b>", "HTML"),
        (Channel.EMAIL, "<t:1:R>", "timestamp of Discord's"),
        (Channel.LINKEDIN, "**now**", "Markdown"),
        (Channel.FACEBOOK, "[now](https://example.org)", "Markdown"),
        (Channel.YOUTUBE, "a < b", "YouTube"),
        (Channel.TIKTOK, "\U0001d4b3" * 1101, "2202 UTF-16 units, tiktok takes 2200"),
        (Channel.EMAIL, "", "is empty"),
    ],
)
def test_markup_of_another_place_is_a_fault(channel: Channel, text: str, fault: str) -> None:
    title = "" if fault == "is empty" else "Now"
    assert any(fault in one for one in faults(fill(f"{title}\n\n{text}", channel, story()), channel))


@given(title=st.text(max_size=400), description=st.text(max_size=3000), channel=st.sampled_from(Channel))
def test_whatever_is_told_fits(title: str, description: str, channel: Channel) -> None:
    words = say(default_templates(), channel, Occasion.LIVE, story(title=title, description=description))
    assert words is not None
    limits = LIMITS[channel]
    assert limits.length(words.title) <= limits.title
    assert limits.length(words.body) <= limits.body
    assert "\n" not in words.title
