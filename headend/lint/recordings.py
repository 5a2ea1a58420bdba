"""Rules of the recordings: an archive that can be used, and nothing said that has no effect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from headend.fault import Fault
from headend.lint.site import url_problem
from headend.model.recordings import Archive, Keep, Replay
from headend.parts import Parts
from headend.places import Places

RECORDINGS = ("recordings",)
ARCHIVE = (*RECORDINGS, "archive")
KEEP = (*RECORDINGS, "keep")
REPLAY = (*RECORDINGS, "replay")

COLD = ("GLACIER", "DEEP_ARCHIVE")
"""What lies there must be asked for hours before it can be read."""


def recording_faults(parts: Parts, places: Places) -> Iterator[Fault]:
    """Faults of those parts of the recordings that could be read."""
    has_archive = places.scalar(ARCHIVE) is None and places.has(ARCHIVE)
    if has_archive and parts.records is False:
        fault = "an archive, and nothing is recorded"
        yield places.fault_at_key(ARCHIVE, fault, "Set recordings.record to true, or 'record: always' on a stream")
    if parts.archive is not None:
        yield from key_faults(parts.archive, places)
        yield from store_faults(parts.archive, places)
        yield from option_faults(parts.archive, places)
        yield from cold_faults(parts.archive, parts.replay, places)
    if parts.keep is not None:
        yield from keep_faults(parts.keep, places)
    if parts.replay is not None:
        yield from replay_faults(parts.replay, places, has_archive=has_archive)


def key_faults(archive: Archive, places: Places) -> Iterator[Fault]:
    """Keys that would not be each recording's own, or that servers and browsers read as another one."""
    layout, location = archive.key_layout, (*ARCHIVE, "key_layout")
    if "{recording}" not in layout:
        fault = "without {recording} two recordings could have the same key"
        yield places.fault_at_value(location, fault, f"Write {layout.rstrip('/')}-{{recording}}")
    names = layout.split("/")
    if not (names[0] and names[-1]):
        yield places.fault_at_value(location, "begins or ends with a slash", f"Write {layout.strip('/')}")
    elif not all(names) or {".", ".."} & set(names):
        fault = "a folder is empty, or climbs"
        yield places.fault_at_value(location, fault, "Give each folder a name")


def store_faults(archive: Archive, places: Places) -> Iterator[Fault]:
    """A bucket or a store that cannot exist, or that cannot be reached in the way that is written."""
    bucket, location = archive.bucket, (*ARCHIVE, "bucket")
    if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", bucket):
        yield places.fault_at_value(location, "the name of a bucket is no address", "Write its name")
    elif ".." in bucket or ".-" in bucket or "-." in bucket:
        fault = "a dot stands beside a dot or a hyphen"
        yield places.fault_at_value(location, fault, "Write the bucket's name as the store has it")
    if archive.endpoint is not None and (problem := endpoint_problem(archive.endpoint)):
        yield places.fault_at_value((*ARCHIVE, "endpoint"), *problem)
    elif archive.addressing == "virtual":
        yield from virtual_faults(archive, places)


def endpoint_problem(endpoint: str) -> tuple[str, str] | None:
    # Never repeated where it may hold a password.
    try:
        parts = urlsplit(endpoint)
    except ValueError:  # a broken IPv6 address
        return "not a valid host or port", "Write scheme, host and if needed port; for example https://s3.example.org"
    if "@" in parts.netloc:
        return (
            "the store's URL has no user or password",
            "Write access_key_id, and in 'secret' the name of a credential",
        )
    if parts.path or "?" in endpoint or "#" in endpoint:
        return "the store's URL has no path, query or fragment", f"Write {parts.scheme}://{parts.netloc}"
    return url_problem(endpoint)


def virtual_faults(archive: Archive, places: Places) -> Iterator[Fault]:
    """The bucket in the host's name: what no name server and no certificate knows."""
    location = (*ARCHIVE, "addressing")
    host = urlsplit(archive.endpoint or "").hostname or ""
    if is_address(host):
        fault = "a bucket cannot stand before an address"
        yield places.fault_at_value(location, fault, "Use path, or write the store's name in endpoint")
    elif "." in archive.bucket and not (archive.endpoint or "").startswith("http://"):
        fault = f"no certificate of the store fits the bucket {archive.bucket}: its name has a dot"
        yield places.fault_at_value(location, fault, "Use path")


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def option_faults(archive: Archive, places: Places) -> Iterator[Fault]:
    """Options that another one leaves without effect, or contradicts."""
    if archive.kms_key_id is not None and archive.encryption != "aws:kms":
        fault = f"no key of the KMS is used with encryption {archive.encryption}"
        yield places.fault_at_value((*ARCHIVE, "kms_key_id"), fault, "Remove it, or set encryption to aws:kms")
    locked, days = archive.object_lock != "none", (*ARCHIVE, "object_lock_days")
    if not locked and places.has(days):
        fault = "nothing is locked: object_lock is none"
        yield places.fault_at_value(days, fault, "Remove it, or set object_lock to governance or compliance")
    if locked and archive.remote_days is not None and archive.remote_days < archive.object_lock_days:
        fault = f"{archive.remote_days} days are over before the store lets go, after {archive.object_lock_days}"
        remedy = f"Use {archive.object_lock_days} or more, or lock for less"
        yield places.fault_at_value((*ARCHIVE, "remote_days"), fault, remedy)


def cold_faults(archive: Archive, replay: Replay | None, places: Places) -> Iterator[Fault]:
    """What lies there is verified by its ETag or not at all, and nobody watches it."""
    if archive.storage_class in COLD and (why := _no_etag(archive)):
        yield places.fault_at_value(
            (*ARCHIVE, "storage_class"),
            f"what lies in {archive.storage_class} cannot be read back to be verified, and {why}",
            "Use GLACIER_IR, or let a rule of the bucket move it there later",
        )
    elif archive.storage_class in COLD and replay is not None and replay.mode != "off":
        yield places.fault_at_value(
            (*ARCHIVE, "storage_class"),
            f"what lies in {archive.storage_class} cannot be watched: reading it takes hours",
            "Use GLACIER_IR, or set recordings.replay.mode to off",
        )


def _no_etag(archive: Archive) -> str:
    """Why no ETag of the store says that it has the bytes; empty where one may."""
    if archive.encryption == "aws:kms":
        return "with encryption aws:kms the store's ETag is not the MD5"
    if archive.object_lock != "none" and archive.checksums == "when_required":
        return "with object_lock and checksums when_required the store is told the MD5 by which it would be"
    return ""


def keep_faults(keep: Keep, places: Places) -> Iterator[Fault]:
    low, high = keep.low_water_percent, keep.high_water_percent
    if low >= high:
        key = "low_water_percent" if places.has((*KEEP, "low_water_percent")) else "high_water_percent"
        fault = f"the low water of {low} percent is not below the high water of {high} percent"
        remedy = f"Use less than {high} for low_water_percent" if key.startswith("low") else f"Use more than {low}"
        yield places.fault_at_value((*KEEP, key), fault, remedy)


def replay_faults(replay: Replay, places: Places, *, has_archive: bool) -> Iterator[Fault]:
    """A way to watch that leads nowhere. presigned is what everybody has who said nothing: that is no fault."""
    mode, url = (*REPLAY, "mode"), (*REPLAY, "public_url")
    if replay.mode in ("public", "proxied") and not has_archive:
        fault = f"replay {replay.mode} is from the archive, and there is none"
        yield places.fault_at_value(mode, fault, "Add recordings.archive, or use off")
    if replay.mode == "public":
        if replay.public_url is None:
            yield places.fault_at_value(
                mode, "public needs public_url", "Add 'public_url: https://vod.example.org/recordings'"
            )
        elif problem := base_problem(replay.public_url):
            yield places.fault_at_value(url, *problem)
    elif places.has(url):
        yield places.fault_at_value(url, f"only replay public has public_url, not {replay.mode}", "Remove it")


def base_problem(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
    except ValueError:  # a broken IPv6 address
        return "not a valid host or port", "Correct it, or leave the port out"
    if "@" in parts.netloc:
        return "a public URL has no user or password", "Write it without; for example https://vod.example.org"
    if "?" in url or "#" in url or url.endswith("/"):
        base = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        return "a key follows it: no query, no fragment, no slash at its end", f"Write {base}"
    return url_problem(f"{parts.scheme}://{parts.netloc}")
