"""Whether what every announcement must say fits: a description is cut to the room that is left, nothing else is."""

from __future__ import annotations

from collections.abc import Iterator

from headend.announcing.channel import LIMITS, SOCIAL, Channel
from headend.announcing.occasion import Occasion
from headend.announcing.words import WordsError, bare, source
from headend.fault import Fault
from headend.model.spec import Spec
from headend.own_words import merged, sample
from headend.places import Places

LONGEST_TITLE = 120
"""Of an event (`POST /api/v1/events`)."""


def room_faults(spec: Spec, places: Places) -> Iterator[Fault]:
    """One for each kind of place where the link or what follows it would be cut off. `own_words` must be read."""
    told = spec.announcements
    kinds = dict.fromkeys(Channel(place.kind) for place in told.destinations)
    channels = [*kinds, *(SOCIAL if Channel.WEBHOOK in kinds else ())]
    words = merged(told.own_words)
    for channel in channels:
        lengths = {}
        for occasion in Occasion:
            text = source(words, channel, occasion)
            # A digest has the link first, and then as many lines as there is room for.
            if text is not None and occasion is not Occasion.DIGEST:
                lengths[occasion] = _least(text, channel, occasion, spec)
        longest = max(lengths, key=lambda occasion: lengths[occasion], default=None)
        most = LIMITS[channel]
        if longest is not None and lengths[longest] > most.body:
            key = next((key for key in ("hashtags", "call_to_action") if places.has(("announcements", key))), "")
            fault = (
                f"with a title of {LONGEST_TITLE} characters the text of {channel.value} for {longest.value} has "
                f"{lengths[longest]} {most.counted} before any description, and {channel.value} takes {most.body}"
            )
            remedy = "Shorten hashtags and call_to_action, or the template; what comes last would be cut off"
            yield places.fault_at_value(("announcements", *([key] if key else [])), fault, remedy)


def _least(text: str, channel: Channel, occasion: Occasion, spec: Spec) -> int:
    told, url = spec.announcements, spec.site.public_url
    slug = max((stream.slug for stream in spec.streams), key=len)
    story = sample(
        occasion,
        title="W" * LONGEST_TITLE,
        live_url=f"{url}/watch/{slug}",
        recap_url=f"{url}/watch/{slug}",
        call_to_action=told.call_to_action,
        call_to_action_url=told.call_to_action_url,
        hashtags=told.hashtags,
    )
    try:
        return LIMITS[channel].length(bare(text, channel, story).body)
    except WordsError:
        # Said where the words are read.
        return 0
