"""Do the words fit their places, and can a template do nothing but say them?"""

from __future__ import annotations

import resource
import time
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
        "{{ '%999999999d' % 1 }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ title.center(999999999) }}",
        "{{ title | center(999999999) }}",
        "{{ title.ljust(999999999) ~ title['zfill'](999999999) }}",
        "{{ title | indent(999999999) }}",
        "{{ hashtags | batch(999999999, 'x') | list }}",
        "{{ title | wordwrap(1, wrapstring='x' ~ title) }}",
        "{{ 1.5 | round(999999999) }}",
        "{{ (1).to_bytes(999999999, 'big') }}",
        "{{ lipsum(n=100000) }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(9999) %}{{ description }}{{ description }}{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set ns = namespace(x=title) %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=title) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=hashtags) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=9) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
        "{% set ns = namespace(x=title) %}"
        "{% for i in range(60) %}{% set y %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = y %}{% endfor %}",
        "{% set ns = namespace(x=title) %}"
        "{% for i in range(60) %}{% set ns.x = ns.x | replace('', ns.x) %}{% endfor %}",
        "{% set ns = namespace(x=[title]) %}"
        "{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[title]) %}"
        "{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | string }}",
        "{{ range(65000) | join(title) }}",
        "{{ range(99999999999999999999) | list }}",
        "{{ (description * 5) | list | map('replace', 'e', description) | list | length }}",
        "{{ '\\ud800' }}",
        "{{ starts_at.no_such_thing() }}",
        "{{ title | no_such_filter }}",
        "{{ title() }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{% if 1 %}" * 200 + "x" + "{% endif %}" * 200,
        "{% for a in 'x' %}" * 30 + "x" + "{% endfor %}" * 30,
        "{{ " + "1 + " * 5000 + "1 }}",
    ],
)
def test_a_template_can_do_nothing_else(template: str) -> None:
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(WordsError) as caught:
        fill(template, Channel.WEBHOOK, story())
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


@pytest.mark.parametrize(
    "template, said",
    [
        ("{{ title ~ ' ' ~ minutes }}", "Open bell 10"),
        ("{{ hashtags | map('upper') | join(', ') }}", "#STOCKS, #LIVE"),
        (
            "{% for tag in hashtags %}{{ loop.index }}{{ tag }}{% if not loop.last %} {% endif %}{% endfor %}",
            "1#stocks 2#live",
        ),
        ("{% macro m(x) %}({{ x }}){% endmacro %}{{ m(minutes * 2 + 1) }}", "(21)"),
        ("{{ title | upper | replace('O', '0') | truncate(4, true, '', 0) }}", "0PEN"),
        ("{{ starts_at.strftime('%H:%M') }} {{ title.lower() }} {{ title[:4] }}", "19:00 open bell Open"),
        ("{{ 'soon' if minutes in (5, 10) else reason | default('-') }}", "soon"),
        (
            "{% set n = namespace(sum=0) %}{% for i in range(3) %}{% set n.sum = n.sum + i %}{% endfor %}{{ n.sum }}",
            "3",
        ),
    ],
)
def test_what_templates_do_need_works(template: str, said: str) -> None:
    assert fill(template, Channel.WEBHOOK, story()).title == said


def test_a_title_is_text_for_discord() -> None:
    words = say(
        default_templates(), Channel.DISCORD, Occasion.LIVE, story(title="**@everyone** [x](http://evil.example)")
    )
    assert words is not None
    assert words.title == r"🔴 \*\*@everyone\*\* \[x\]\(http://evil.example\) is live"


@pytest.mark.parametrize(
    "text, shown",
    [
        ("see https://example.org/a_b_c~d#e*", r"see https://example.org/a_b_c~d#e\*"),
        ("(https://example.org/x_(y)_z).", r"\(https://example.org/x_(y)_z\)."),
        ("*now* http://a.example/_ _x_", r"\*now\* http://a.example/_ \_x\_"),
        ("[safe](https://evil.example)", r"\[safe\]\(https://evil.example\)"),
        ("https://a.example/[x](https://evil.example)", r"https://a.example/\[x\]\(https://evil.example\)"),
    ],
)
def test_a_url_that_people_type_is_a_url_for_discord(text: str, shown: str) -> None:
    assert fill("{{ title }}\n\n{{ description }}", Channel.DISCORD, story(description=text)).body == shown


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("letter", ["y", "\U0001d4b3", "*", "é "])
@pytest.mark.parametrize("occasion", [Occasion.SCHEDULED, Occasion.LIVE, Occasion.RECAP])
def test_of_what_is_too_long_the_description_is_cut(channel: Channel, letter: str, occasion: Occasion) -> None:
    told = story(title="W" * 120, description=(letter * 4000)[:4000])
    words = say(default_templates(), channel, occasion, told)
    text = source(default_templates(), channel, occasion)
    assert words is not None
    assert text is not None
    assert [one for one in faults(words, channel) if "takes" in one] == []
    whole = fill(text, channel, told).body
    for kept in (told.live_url, told.recap_url, told.call_to_action, told.call_to_action_url, *told.hashtags):
        assert (kept or "") in words.body or (kept or "") not in whole
    if LIMITS[channel].length(whole) > LIMITS[channel].body:
        # No more of it than has to go.
        assert LIMITS[channel].length(words.body) >= LIMITS[channel].body - 8


def test_a_digest_that_is_too_long_keeps_its_link() -> None:
    words = say(default_templates(), Channel.APPRISE, Occasion.DIGEST, story(items=("W" * 140,) * 30))
    assert words is not None
    assert words.body.startswith("https://live.example.org/watch/coffee-and-stocks")
    assert words.body.endswith("…")


@pytest.mark.parametrize("occasion", Occasion)
def test_youtube_gets_no_angles(occasion: Occasion) -> None:
    told = story(title="<b>a</b>", description="a < b > c", call_to_action="<now>", hashtags=("#<x>",), items=("<i>",))
    words = say(default_templates(), Channel.YOUTUBE, occasion, told)
    assert words is not None
    assert faults(words, Channel.YOUTUBE) == []


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_title_is_one_line(end: str) -> None:
    words = say(default_templates(), Channel.EMAIL, Occasion.LIVE, story(title=f"Open{end}bell"))
    assert words is not None
    assert words.title == "Open bell is live"


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
