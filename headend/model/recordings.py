"""What is recorded, where it is kept, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headend.model.announcements import Link, SecretName, TimeOfDay
from headend.model.base import Model

Bucket = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Prefix = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63}(/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){0,7})?$")]
KeyLayout = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9._/-]|\{(slug|owner|year|month|day|start|event|recording)\}){1,200}$")
]
AccessKeyId = Annotated[str, Field(pattern=r"^[A-Za-z0-9:._@-]{1,128}$")]

MIB = 1024 * 1024


class Archive(Model):
    """An S3-compatible object store."""

    bucket: Bucket
    """Where recordings go; it must exist. Example: live-recordings."""
    access_key_id: AccessKeyId
    """Who writes there; not a secret. Example: AKIAIOSFODNN7EXAMPLE."""
    secret: SecretName
    """Name of the credential that holds the secret access key. Example: archive."""
    endpoint: Link | None = None
    """The store, without a path; none means Amazon's own of the region. Example: https://s3.example.org."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")] = "us-east-1"
    """Its region. Example: eu-central-1."""
    addressing: Literal["path", "virtual"] = "path"
    """Whether the bucket stands in the path or in the host's name. Example: path."""
    prefix: Prefix = "recordings"
    """Before every key, one for each database. Nothing of another prefix is ever touched. Example: recordings."""
    key_layout: KeyLayout = "{slug}/{year}/{month}/{day}/{start}-{recording}"
    """The key of a recording's folder, after the prefix; with {recording} in it. Example: {slug}/{year}/{recording}."""
    storage_class: Literal[
        "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"
    ] = "STANDARD"
    """What the store keeps it in. Example: STANDARD_IA."""
    encryption: Literal["none", "AES256", "aws:kms"] = "none"
    """What the store is asked to encrypt it with. Example: AES256."""
    kms_key_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9:/_-]{1,200}$")] | None = None
    """With aws:kms: which key, if not the bucket's own. Example: alias/recordings."""
    object_lock: Literal["none", "governance", "compliance"] = "none"
    """Whether the store is to keep it from being removed; the bucket must have object lock. Example: governance."""
    object_lock_days: int = Field(default=30, ge=1, le=36_500)
    """For how long. Example: 30."""
    checksums: Literal["always", "when_required"] = "always"
    """Whether each request carries a checksum; some stores know only those that S3 requires. Example: always."""
    part_mib: int = Field(default=16, ge=5, le=512)
    """Least size of the parts of an upload; big files have bigger ones. Example: 16."""
    parallel_parts: int = Field(default=4, ge=1, le=16)
    """Parts that are on their way at a time. Example: 4."""
    upload_kbps: int = Field(default=0, ge=0, le=100_000_000)
    """Most that uploads take of the line, in kbit/s; 0: as much as there is. Example: 50000."""
    keep_raw: bool = False
    """Whether the raw parts go there too. Example: false."""
    remote_days: int | None = Field(default=None, ge=1, le=36_500)
    """Remove it from the store after so many days; without this key never. Example: 365."""


class Replay(Model):
    """How what was recorded is watched again."""

    mode: Literal["off", "presigned", "public", "proxied"] = "presigned"
    """By a URL of the store that is good for some hours, below public_url, or through nginx@web. Example: presigned."""
    presigned_hours: int = Field(default=24, ge=2, le=160)
    """How long a presigned URL is good for; it is made anew in time. Example: 24."""
    public_url: Link | None = None
    """With public: what stands before the key. Example: https://vod.example.org/recordings."""
    cache_gib: int = Field(default=10, ge=1, le=10_000)
    """With proxied: most that the cache takes of the disk. Example: 10."""
    pieces: bool = True
    """With proxied: whether files are fetched in pieces; some stores mark those as whole files. Example: false."""


class Keep(Model):
    """How long recordings stay on the origin's disk. Only what is verified in the store is ever removed."""

    local_days: int = Field(default=7, ge=0, le=3650)
    """After so many days a verified recording is removed here. Example: 7."""
    grace_hours: int = Field(default=24, ge=0, le=720)
    """It stays at least so long after it was verified. Example: 24."""
    high_water_percent: int = Field(default=80, ge=10, le=98)
    """When the disk is fuller than this, the oldest verified ones are removed sooner. Example: 80."""
    low_water_percent: int = Field(default=70, ge=5, le=97)
    """Until it is no fuller than this. Example: 70."""
    prune_at: TimeOfDay = "03:30"
    """When the nightly run is, by the host's clock. Example: "03:30"."""


class Recordings(Model):
    """What is recorded, where it is kept, and for how long."""

    record: bool = False
    """Whether streams that do not say otherwise are recorded. Example: true."""
    part_minutes: int = Field(default=15, ge=1, le=240)
    """A part of a recording ends after so long. Example: 15."""
    part_mib: int = Field(default=2048, ge=16, le=16_384)
    """Or when it is so big. Example: 2048."""
    longest_hours: int = Field(default=6, ge=1, le=24)
    """A session that lasts longer becomes several recordings. Example: 6."""
    reserve_mib: int = Field(default=2048, ge=16, le=1_048_576)
    """When less is free, recording stops until there is more again; live goes on. Example: 2048."""
    strip: bool = True
    """Whether a strip of small pictures is made, for seeking. Example: true."""
    vod: bool = False
    """Whether the ladder's own segments are kept as well, as HLS to be watched again. Example: false."""
    archive: Archive | None = None
    """The object store; without this key recordings stay on the host and nothing is removed."""
    keep: Keep = Field(default_factory=Keep)
    """How long they stay on the host."""
    replay: Replay = Field(default_factory=Replay)
    """How they are watched again."""
