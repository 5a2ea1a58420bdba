"""`headend announce`: what the audience would read."""

from __future__ import annotations

from typing import Annotated

import typer

from headend.announcing.channel import SOCIAL, Channel
from headend.announcing.occasion import Occasion
from headend.announcing.words import WordsError, faults, say
from headend.cli.output import AsJson, Code, SpecArgument, load, print_json, stop
from headend.model.spec import Spec
from headend.own_words import merged, sample


def announce(
    spec: SpecArgument = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show the words of a made-up broadcast.")] = False,
    occasion: Annotated[
        str | None, typer.Option(metavar="OCCASION", help=f"Only this one: {', '.join(Occasion)}.")
    ] = None,
    channel: Annotated[str | None, typer.Option(metavar="CHANNEL", help=f"Only there: {', '.join(Channel)}.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is told at each kind of place, in the words of the spec; with --preview, nothing is ever sent."""
    loaded, _ = load(spec, as_json=as_json)
    if not preview:
        stop(Code.USAGE, "Add --preview: what is really told is told by the host itself.", as_json=as_json)
    for given, known in ((occasion, list(Occasion)), (channel, list(Channel))):
        if given is not None and given not in known:
            stop(Code.USAGE, f"There is no '{given[:40]}'. Known: {', '.join(known)}.", as_json=as_json)
    shown = previews(loaded, occasion, channel)
    if as_json:
        print_json({"ok": True, "previews": shown})
        return
    for one in shown:
        typer.echo(
            f"--- {one['channel']}, {one['occasion']}: {one['title_length']} and {one['body_length']} characters"
        )
        typer.echo(f"{one['title']}\n\n{one['body']}\n")


def previews(spec: Spec, occasion: str | None, channel: str | None) -> list[dict[str, object]]:
    """The words for every kind of place that the spec tells, by channel and occasion."""
    told = spec.announcements
    kinds = dict.fromkeys(place.kind for place in told.destinations)
    channels = [Channel(kind) for kind in kinds] or list(Channel)
    if "webhook" in kinds:
        # A signed webhook carries these as well.
        channels += list(SOCIAL)
    if channel is not None:
        channels = [Channel(channel)]
    occasions = [Occasion(occasion)] if occasion is not None else list(Occasion)
    words = merged(told.own_words)
    return [_preview(spec, words, place, why) for place in channels for why in occasions]


def _preview(spec: Spec, words: dict[str, dict[str, str]], channel: Channel, occasion: Occasion) -> dict[str, object]:
    stream, told, url = spec.streams[0], spec.announcements, spec.site.public_url
    story = sample(
        occasion,
        stream=stream.slug,
        owner=stream.owner,
        live_url=f"{url}/watch/{stream.slug}",
        playlist_url=f"{url}/streams/{stream.slug}/index.m3u8",
        poster_url=f"{url}/streams/{stream.slug}/poster.jpg",
        time_zone=spec.site.time_zone,
        call_to_action=told.call_to_action,
        call_to_action_url=told.call_to_action_url,
        hashtags=told.hashtags,
    )
    try:
        said = say(words, channel, occasion, story)
    except WordsError as error:
        return _shown(channel, occasion, "", "", [str(error)])
    if said is None:
        return _shown(channel, occasion, "", "", ["there is no template for it"])
    return _shown(channel, occasion, said.title, said.body, faults(said, channel))


def _shown(channel: Channel, occasion: Occasion, title: str, body: str, wrong: list[str]) -> dict[str, object]:
    return {
        "channel": channel.value,
        "occasion": occasion.value,
        "title": title,
        "body": body,
        "title_length": len(title),
        "body_length": len(body),
        "faults": wrong,
    }
