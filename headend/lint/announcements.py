"""Rules of the announcements: each destination has what its kind needs, and names what exists."""

from __future__ import annotations

from collections.abc import Iterator

from headend.fault import Fault, Location, shown
from headend.lint.ingest import network_fault, read_network
from headend.lint.site import zone_problem
from headend.model.announcements import Destination
from headend.near import nearest
from headend.parts import Parts
from headend.places import Places

NEEDED = {
    "discord": ("secret",),
    "webhook": ("secret", "url"),
    "email": ("smtp_host", "mail_from", "mail_to"),
    "apprise": ("secret",),
}
ONLY = {
    "discord": ("bot_secret", "guild_id", "stage_channel_id"),
    "webhook": ("url", "secret_before"),
    "email": ("smtp_host", "smtp_port", "smtp_security", "smtp_user", "mail_from", "mail_to", "unsubscribe"),
}
HELD = {
    "discord": "its webhook URL",
    "webhook": "its signing key (whsec_…)",
    "email": "the password of smtp_user",
    "apprise": "its Apprise URL",
}


def announcement_faults(parts: Parts, places: Places) -> Iterator[Fault]:
    """Faults of those destinations that could be read."""
    first: dict[str, int] = {}
    for location, place in parts.destinations:
        name = (*location, "name")
        if place.name in first:
            fault = f"'{place.name}' is already the name of the destination in line {first[place.name]}"
            yield places.fault_at_value(name, fault, "Give each destination its own name")
        first.setdefault(place.name, places.value(name).line)
        yield from kind_faults(location, place, places)
        yield from reference_faults(location, place, parts, places)
    for location, text in parts.allow_outbound:
        if location[-2:-1] != ("allow",):
            continue
        network = read_network(text)
        if network is None or str(network) != text.lower():
            yield network_fault(location, text, network, places)


def kind_faults(location: Location, place: Destination, places: Places) -> Iterator[Fault]:
    """What its kind needs and it does not have; what it has and only another kind can use."""
    for key in NEEDED[place.kind]:
        if not getattr(place, key):
            what = f": the name of the credential that holds {HELD[place.kind]}" if key == "secret" else ""
            yield places.fault_at_key(
                location, f"a destination of kind {place.kind} needs {key}{what}", f"Add '{key}:'"
            )
    for kind, keys in ONLY.items():
        for key in keys:
            if kind != place.kind and places.has((*location, key)):
                fault = f"only a destination of kind {kind} has {key}"
                yield places.fault_at_key((*location, key), fault, f"Remove it, or use kind {kind}")
    if place.kind == "email" and place.smtp_user and not place.secret:
        fault = "smtp_user logs in, and no secret is named"
        yield places.fault_at_value(
            (*location, "smtp_user"), fault, f"Add 'secret:', the credential of {HELD['email']}"
        )
    if place.kind == "discord" and place.bot_secret and not (place.guild_id or place.stage_channel_id):
        fault = "a bot without a server or a stage has nothing to do"
        yield places.fault_at_value((*location, "bot_secret"), fault, "Add guild_id or stage_channel_id, or remove it")
    if place.kind == "discord" and not place.bot_secret and (place.guild_id or place.stage_channel_id):
        key = "guild_id" if place.guild_id else "stage_channel_id"
        yield places.fault_at_value((*location, key), "only a bot can use it", "Add bot_secret, or remove it")


def reference_faults(location: Location, place: Destination, parts: Parts, places: Places) -> Iterator[Fault]:
    """Streams, and a time zone, that do not exist."""
    slugs = [slug for _, slug in parts.slugs]
    for index, slug in enumerate(place.streams):
        if slug not in slugs:
            near = nearest(slug, slugs)
            remedy = (
                f"Did you mean '{near}'?" if near else f"Streams here: {', '.join(map(shown, slugs[:20])) or 'none'}"
            )
            yield places.fault_at_value((*location, "streams", index), f"there is no stream '{shown(slug)}'", remedy)
    if place.quiet_hours is None:
        return
    if problem := zone_problem(place.quiet_hours.time_zone):
        yield places.fault_at_value((*location, "quiet_hours", "time_zone"), *problem)
    if place.quiet_hours.start == place.quiet_hours.end:
        fault = "quiet hours that end when they start are none"
        yield places.fault_at_value((*location, "quiet_hours"), fault, "Give them another end, or remove them")
