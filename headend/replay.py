"""How nginx@web gives recordings out of the object store (recordings.replay.mode: proxied)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from headend.layout import Layout
from headend.model.spec import Spec
from headend.model.store import is_proxied, store_origin

CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
"""Whom Debian trusts (package ca-certificates)."""

PIECES_PER_GIB: Final = 256
"""Of 4 MiB, as templates/nginx/replay-location.j2 cuts them."""
KEYS_PER_MIB: Final = 8000
"""What fits into a cache's zone (nginx docs, proxy_cache_path)."""
LEAST_ZONE_MIB: Final = 4

# nginx can hide a header by its whole name only. Amazon's list of GetObject, what S3-compatible stores add, and our own
# metadata.
HIDDEN: Final = (
    "Content-Type",
    "Content-Disposition",
    "Set-Cookie",
    "Strict-Transport-Security",
    "Via",
    "Cache-Control",
    "Expires",
    "Vary",
    "X-Powered-By",
    "X-Content-Type-Options",
    "Content-MD5",
    *(f"Access-Control-Allow-{name}" for name in ("Origin", "Methods", "Headers", "Credentials")),
    *(f"Access-Control-{name}" for name in ("Expose-Headers", "Max-Age")),
    *(
        f"x-amz-{name}"
        for name in (
            "abort-date",
            "abort-rule-id",
            "bucket-region",
            "checksum-crc32",
            "checksum-crc32c",
            "checksum-crc64nvme",
            "checksum-sha1",
            "checksum-sha256",
            "checksum-type",
            "content-sha256",
            "date",
            "delete-marker",
            "expiration",
            "id-2",
            "meta-kind",
            "meta-recording",
            "meta-sha256",
            "meta-started-at",
            "meta-stream",
            "missing-meta",
            "mp-parts-count",
            "object-lock-legal-hold",
            "object-lock-mode",
            "object-lock-retain-until-date",
            "replication-status",
            "request-charged",
            "request-id",
            "restore",
            "server-side-encryption",
            "server-side-encryption-aws-kms-key-id",
            "server-side-encryption-bucket-key-enabled",
            "server-side-encryption-customer-algorithm",
            "server-side-encryption-customer-key-md5",
            "storage-class",
            "tagging-count",
            "version-id",
            "website-redirect-location",
        )
    ),
    "X-Openstack-Request-Id",
    "X-Timestamp",
    "X-Trans-Id",
    "X-Minio-Deployment-Id",
    "X-Ratelimit-Limit",
    "X-Ratelimit-Remaining",
    "X-Xss-Protection",
    "X-Rgw-Object-Type",
)


def proxies_replays(spec: Spec) -> bool:
    """Whether nginx@web does it at all."""
    return spec.recording and is_proxied(spec.recordings)


def cache_folder(layout: Layout) -> str:
    """Where the pieces lie."""
    return f"{layout.state_dir}/replay"


def replay_names(spec: Spec, layout: Layout) -> dict[str, object]:
    """What the template places; only where replays are proxied."""
    archive = spec.recordings.archive
    if archive is None:
        raise ValueError("there is no object store to give recordings out of")
    origin = urlsplit(store_origin(archive))
    cache_gib = spec.recordings.replay.cache_gib
    return {
        "scheme": origin.scheme,
        "host": origin.netloc,
        "name": origin.hostname,
        "certificates": CERTIFICATES,
        "cache": cache_folder(layout),
        "cache_gib": cache_gib,
        "pieces": spec.recordings.replay.pieces,
        "zone_mib": max(LEAST_ZONE_MIB, 1 + 2 * cache_gib * PIECES_PER_GIB // KEYS_PER_MIB),
        "reserve_mib": spec.recordings.reserve_mib,
        "hidden": HIDDEN,
    }
