"""Where the object store is reached: what a browser, nginx and a signature all mean by it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from headend.model.recordings import Archive, Recordings

_HOST: Final = re.compile(r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def store_origin(archive: Archive) -> str:
    """Scheme, host and port of every URL of the bucket, without a slash at the end. ValueError: no host to name."""
    origin = origin_of(archive.endpoint or _amazon(archive.region))
    scheme, _, host = origin.partition("://")
    return f"{scheme}://{archive.bucket}.{host}" if _in_host(archive) else origin


def object_path(archive: Archive, key: str) -> str:
    """The path of an object below that origin."""
    return f"/{key}" if _in_host(archive) else f"/{archive.bucket}/{key}"


def place_of(archive: Archive) -> str:
    """Which store, bucket and prefix, whichever way they are reached: objects of another place are not found here."""
    amazon = {"aws": "s3.amazonaws.com", "aws-cn": "s3.amazonaws.com.cn"}
    partition = partition_of(archive.region)
    host = amazon.get(partition, f"s3 ({partition})")
    if archive.endpoint:
        host = urlsplit(archive.endpoint).netloc.rpartition("@")[2].lower()
    return "/".join(part for part in (host, archive.bucket, archive.prefix) if part)


def partition_of(region: str) -> str:
    """The part of Amazon's cloud that a region is in, as its names have it."""
    known = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((partition for start, partition in known.items() if region.startswith(start)), "aws")


def replay_origin(recordings: Recordings) -> str | None:
    """From where a browser plays what was recorded; None: from the site itself, or not at all."""
    replay, archive = recordings.replay, recordings.archive
    if archive is None:
        return None
    if replay.mode == "public" and replay.public_url is not None:
        return origin_of(replay.public_url)
    return store_origin(archive) if replay.mode == "presigned" else None


def is_proxied(recordings: Recordings) -> bool:
    """Whether nginx@web fetches what is watched again."""
    return recordings.archive is not None and recordings.replay.mode == "proxied"


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL. It stands in a header and in nginx's text, so it is nothing else."""
    parts = urlsplit(url)
    if not _HOST.fullmatch(parts.netloc):
        raise ValueError(f"{url}: names no host, or more than a host and its port.")
    return f"{parts.scheme}://{parts.netloc}"


def _amazon(region: str) -> str:
    # As boto3 does it (measured, 1.43): the oldest region has no name of its own there.
    if region == "us-east-1":
        return "https://s3.amazonaws.com"
    return f"https://s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def _in_host(archive: Archive) -> bool:
    # A bucket with a dot in its name is in no certificate of *.host: boto3 keeps it in the path there (measured, 1.43).
    is_plain = (archive.endpoint or "").startswith("http://")
    return archive.addressing == "virtual" and (is_plain or "." not in archive.bucket)
