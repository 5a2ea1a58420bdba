"""The ways in which a text can miss its pattern: fault and remedy."""

from __future__ import annotations

import re
from collections.abc import Callable

from headend.fault import shown

Sentence = tuple[str, str]

NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def of_pattern(path: str, name: str) -> Callable[[str], Sentence]:
    """What says it of a key, by its path or by its name. Raises KeyError for a key whose pattern nobody described."""
    return PATTERNS.get(path) or PATTERNS[name]


def wrong_slug(given: str, length: int, example: str) -> Sentence:
    made = NOT_IN_SLUG.sub("-", given.lower()).strip("-")[:length].rstrip("-")
    hint = f"Did you mean '{made}'? " if made and len(given) <= 200 else ""
    rule = f"Use 1 to {length} of a-z, 0-9 and -, starting with a letter or digit; for example {example}"
    return f"'{shown(given)}' does not fit", hint + rule


def wrong_url(given: str) -> Sentence:
    # Never repeated: the URL may hold a password.
    if "@" in given:
        return (
            "a public URL has no user or password",
            "Write scheme and host only; for example https://live.example.org",
        )
    origin = re.match(r"(https?://[A-Za-z0-9.-]{1,80}(?::\d{1,5})?)[/?#]", given)
    if origin:
        return "a public URL has no path, query or fragment", f"Write {origin.group(1)}"
    if re.fullmatch(r"[A-Za-z0-9.-]{1,80}(:\d{1,5})?", given):
        return "a public URL starts with https:// or http://", f"Write https://{given}"
    return "not an http or https URL", "Write scheme, host and if needed port; for example https://live.example.org"


def wrong_network(given: str) -> Sentence:
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", given):
        return f"{given} has no prefix length", f"For this one address write {given}/32"
    if re.fullmatch(r"[0-9A-Fa-f:]{2,39}", given) and ":" in given:
        return f"{given} has no prefix length", f"For this one address write {given}/128"
    return (
        f"'{shown(given)}' is not a network",
        "Write address/length (CIDR); for example 203.0.113.0/24 or 2001:db8::/32",
    )


def wrong_time_zone(given: str) -> Sentence:
    return f"'{shown(given)}' is not a time zone", "Use a name of the IANA list; for example Europe/Berlin or UTC"


def wrong_time(given: str) -> Sentence:
    return f"'{shown(given)}' is not a time of day", 'Write hours and minutes in quotes; for example "22:00"'


def wrong_link(example: str) -> Callable[[str], Sentence]:
    # Never repeated: people put secrets into URLs.
    return lambda _given: ("not an http or https URL", f"Write it whole; for example {example}")


def wrong_mailbox(given: str) -> Sentence:
    return f"'{shown(given)}' is not an e-mail address", "Write the address alone; for example live@example.org"


def wrong_secret_name(example: str) -> Callable[[str], Sentence]:
    # Never repeated: it may be the secret itself.
    remedy = f"The secret itself stays out of the spec; write the name of its credential, for example {example}"
    return lambda _given: ("not the name of a credential (a-z, 0-9 and -)", remedy)


def wrong_access_key_id(_given: str) -> Sentence:
    # Never repeated: a secret access key is put here by mistake, and has signs that an id has not.
    remedy = "Write the id and never the secret access key; for example AKIAIOSFODNN7EXAMPLE"
    return "not the id of an access key", remedy


def wrong_number_of_discord(given: str) -> Sentence:
    return (
        f"'{shown(given)}' is not an id of Discord",
        'Write its 15 to 20 digits in quotes; for example "123456789012345678"',
    )


def wrong_form(what: str, remedy: str) -> Callable[[str], Sentence]:
    return lambda given: (f"'{shown(given)}' is not {what}", remedy)


KEY_FIELDS = "{slug}, {owner}, {year}, {month}, {day}, {start}, {event} and {recording}"

# By a key's path, or by its name wherever that stands.
PATTERNS: dict[str, Callable[[str], Sentence]] = {
    "site.public_url": wrong_url,
    "time_zone": wrong_time_zone,
    "slug": lambda given: wrong_slug(given, 40, "coffee-and-stocks"),
    "name": lambda given: wrong_slug(given, 20, "720p"),
    "owner": lambda given: wrong_slug(given, 40, "marketing"),
    "ladder": lambda given: wrong_slug(given, 40, "default"),
    "<name>": lambda given: wrong_slug(given, 40, "default"),
    "allow_publish[]": wrong_network,
    "deny_publish[]": wrong_network,
    "allow[]": wrong_network,
    "start": wrong_time,
    "end": wrong_time,
    "url": wrong_link("https://example.org/hooks/live"),
    "unsubscribe": wrong_link("https://example.org/unsubscribe"),
    "call_to_action_url": wrong_link("https://example.org/gold-upgrade"),
    "mail_from": wrong_mailbox,
    "mail_to[]": wrong_mailbox,
    "secret": wrong_secret_name("discord-main"),
    "secret_before": wrong_secret_name("discord-main"),
    "bot_secret": wrong_secret_name("discord-main"),
    "guild_id": wrong_number_of_discord,
    "stage_channel_id": wrong_number_of_discord,
    "streams[]": lambda given: wrong_slug(given, 40, "coffee-and-stocks"),
    "smtp_host": wrong_form("the name of a server", "Write the name alone; for example smtp.example.org"),
    "smtp_user": wrong_form("a user's name", "Write it without spaces; for example live@example.org"),
    "apprise_schemes[]": wrong_form("a scheme", "Write what stands before :// in Apprise's URLs; for example tgram"),
    "templates": wrong_form(
        "a folder beside the spec", "Write a relative path without dots; for example announcements"
    ),
    "hashtags[]": wrong_form("a hashtag", 'Write it with its # and in quotes; for example "#stocks"'),
    "recordings.archive.secret": wrong_secret_name("archive"),
    "recordings.replay.public_url": wrong_link("https://vod.example.org/recordings"),
    "access_key_id": wrong_access_key_id,
    "bucket": wrong_form(
        "the name of a bucket",
        "Use 3 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends; for example live-recordings",
    ),
    "endpoint": wrong_link("https://s3.example.org"),
    "region": wrong_form("a region", "Write its short name; for example eu-central-1"),
    "prefix": wrong_form("a prefix", "Write up to eight names with / between them; for example recordings"),
    "key_layout": wrong_form("the layout of a key", f"Use letters, digits, ., _, -, / and {KEY_FIELDS}"),
    "kms_key_id": wrong_form("a key of the KMS", "Write its ARN, id or alias; for example alias/recordings"),
    "prune_at": wrong_time,
}
