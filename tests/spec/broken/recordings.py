"""Recordings: archives that cannot be used, and options without effect."""

from __future__ import annotations

from tests.spec.table import SITE, STREAMS, Case

HEAD = SITE + STREAMS + "recordings:\n  record: true\n"
LINE = HEAD.count("\n")
STORE = "recordings.archive"
FIRST = ("bucket: live-recordings", "access_key_id: AKIAIOSFODNN7EXAMPLE", "secret: archive")
OPTION = f"{LINE + len(FIRST) + 2}"
"""The line of the first key that is more than an archive needs."""


def archive(*lines: str) -> str:
    """A spec with an archive, and these keys of it more."""
    return HEAD + "  archive:\n" + "".join(f"    {line}\n" for line in (*FIRST, *lines))


def without(key: str, *lines: str) -> str:
    """The same without one key that it needs, at the lines of the others."""
    rest = (one for one in FIRST if not one.startswith(key))
    return HEAD + "  archive:\n" + "".join(f"    {one}\n" for one in (*lines, *rest))


BUCKET_RULE = "Use 3 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends; for example live-recordings"
LAYOUT_RULE = (
    "Use letters, digits, ., _, -, / and {slug}, {owner}, {year}, {month}, {day}, {start}, {event} and {recording}"
)

NAMES = (
    Case(
        "a bucket with capitals",
        HEAD + "  archive: {bucket: Live_Recordings, access_key_id: A, secret: archive}\n",
        f"{LINE + 1}:21 {STORE}.bucket: 'Live_Recordings' is not the name of a bucket. {BUCKET_RULE}.",
    ),
    Case(
        "a bucket with two dots",
        HEAD + "  archive: {bucket: live..recordings, access_key_id: A, secret: archive}\n",
        f"{LINE + 1}:21 {STORE}.bucket: a dot stands beside a dot or a hyphen. Write the bucket's name as the store "
        "has it.",
    ),
    Case(
        "an address as bucket",
        HEAD + "  archive: {bucket: 192.0.2.7, access_key_id: A, secret: archive}\n",
        f"{LINE + 1}:21 {STORE}.bucket: the name of a bucket is no address. Write its name.",
    ),
    Case(
        "no bucket",
        without("bucket"),
        f"{LINE + 1}:3 {STORE}.bucket: missing. Add 'bucket: live-recordings'.",
    ),
    Case(
        "the secret access key as its name",
        without("secret", "secret: hunter2/bPxRfiCYEXAMPLEKEY"),
        f"{LINE + 2}:13 {STORE}.secret: not the name of a credential (a-z, 0-9 and -). The secret itself stays out of "
        "the spec; write the name of its credential, for example archive.",
    ),
    Case(
        "the secret access key as the id",
        without("access_key_id", "access_key_id: hunter2/bPxRfiCYEXAMPLEKEY"),
        f"{LINE + 2}:20 {STORE}.access_key_id: not the id of an access key. Write the id and never the secret access "
        "key; for example AKIAIOSFODNN7EXAMPLE.",
    ),
    Case(
        "the secret access key as a key",
        archive("secret_access_key: hunter2"),
        f"{OPTION}:5 {STORE}.secret_access_key: unknown key. It is a secret and never in a spec; 'secret' names the "
        "credential that holds it.",
    ),
    Case(
        "a region in words",
        archive("region: EU (Frankfurt)"),
        f"{OPTION}:13 {STORE}.region: 'EU (Frankfurt)' is not a region. Write its short name; for example "
        "eu-central-1.",
    ),
    Case(
        "a prefix with a slash at its end",
        archive("prefix: recordings/"),
        f"{OPTION}:13 {STORE}.prefix: 'recordings/' is not a prefix. Write up to eight names with / between them; for "
        "example recordings.",
    ),
    Case(
        "a key of the KMS with a blank",
        archive("encryption: aws:kms", "kms_key_id: my key"),
        f"{int(OPTION) + 1}:17 {STORE}.kms_key_id: 'my key' is not a key of the KMS. Write its ARN, id or alias; for "
        "example alias/recordings.",
    ),
    Case(
        "a class that is not",
        archive("storage_class: STANDARD-IA"),
        f"{OPTION}:20 {STORE}.storage_class: 'STANDARD-IA' is not a choice. Did you mean 'STANDARD_IA'? Choose "
        "STANDARD, STANDARD_IA, ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER or DEEP_ARCHIVE.",
    ),
    Case(
        "parts that S3 refuses",
        archive("part_mib: 1"),
        f"{OPTION}:15 {STORE}.part_mib: 1 is too low. Use 5 to 512 MiB; for example 16.",
    ),
    Case(
        "a key of the archive at the recordings",
        HEAD + "  bucket: live-recordings\n",
        f"{LINE + 1}:3 recordings.bucket: unknown key. It belongs under 'recordings.archive'.",
    ),
)

ENDPOINTS = (
    Case(
        "a store without a scheme",
        archive("endpoint: s3.example.org"),
        f"{OPTION}:15 {STORE}.endpoint: not an http or https URL. Write it whole; for example https://s3.example.org.",
    ),
    Case(
        "a store with the bucket in its path",
        archive("endpoint: https://s3.example.org/live-recordings"),
        f"{OPTION}:15 {STORE}.endpoint: the store's URL has no path, query or fragment. Write https://s3.example.org.",
    ),
    Case(
        "a store with a slash",
        archive("endpoint: https://s3.example.org/"),
        f"{OPTION}:15 {STORE}.endpoint: the store's URL has no path, query or fragment. Write https://s3.example.org.",
    ),
    Case(
        "a store with a query",
        archive("endpoint: https://s3.example.org?region=eu"),
        f"{OPTION}:15 {STORE}.endpoint: the store's URL has no path, query or fragment. Write https://s3.example.org.",
    ),
    Case(
        "a store with a password",
        archive("endpoint: https://me:hunter2@s3.example.org"),
        f"{OPTION}:15 {STORE}.endpoint: the store's URL has no user or password. Write access_key_id, and in 'secret' "
        "the name of a credential.",
    ),
    Case(
        "a store with a port too high",
        archive("endpoint: https://s3.example.org:70000"),
        f"{OPTION}:15 {STORE}.endpoint: not a valid host or port (ports end at 65535). Correct it, or leave the port "
        "out.",
    ),
    Case(
        "a bucket before an address",
        archive("endpoint: http://192.0.2.7:9000", "addressing: virtual"),
        f"{int(OPTION) + 1}:17 {STORE}.addressing: a bucket cannot stand before an address. Use path, or write the "
        "store's name in endpoint.",
    ),
    Case(
        "a bucket with a dot before a name",
        without("bucket", "bucket: live.recordings", "addressing: virtual"),
        f"{LINE + 3}:17 {STORE}.addressing: no certificate of the store fits the bucket live.recordings: its name has "
        "a dot. Use path.",
    ),
)

LAYOUTS = (
    Case(
        "a layout in which recordings meet",
        archive('key_layout: "{slug}/{year}/"'),
        f"{OPTION}:17 {STORE}.key_layout: begins or ends with a slash. Write {{slug}}/{{year}}.",
        f"{OPTION}:17 {STORE}.key_layout: without {{recording}} two recordings could have the same key. Write "
        "{slug}/{year}-{recording}.",
    ),
    Case(
        "a layout from the root",
        archive('key_layout: "/{slug}/{recording}"'),
        f"{OPTION}:17 {STORE}.key_layout: begins or ends with a slash. Write {{slug}}/{{recording}}.",
    ),
    Case(
        "a layout that climbs",
        archive('key_layout: "{slug}/../{recording}"'),
        f"{OPTION}:17 {STORE}.key_layout: a folder is empty, or climbs. Give each folder a name.",
    ),
    Case(
        "a layout with an empty folder",
        archive('key_layout: "{slug}//{recording}"'),
        f"{OPTION}:17 {STORE}.key_layout: a folder is empty, or climbs. Give each folder a name.",
    ),
    Case(
        "a layout with a field that is not",
        archive('key_layout: "{stream}/{recording}"'),
        f"{OPTION}:17 {STORE}.key_layout: '{{stream}}/{{recording}}' is not the layout of a key. {LAYOUT_RULE}.",
    ),
)

OPTIONS = (
    Case(
        "a key of the KMS without it",
        archive("encryption: AES256", "kms_key_id: alias/recordings"),
        f"{int(OPTION) + 1}:17 {STORE}.kms_key_id: no key of the KMS is used with encryption AES256. Remove it, or set "
        "encryption to aws:kms.",
    ),
    Case(
        "days of a lock that is not",
        archive("object_lock_days: 90"),
        f"{OPTION}:23 {STORE}.object_lock_days: nothing is locked: object_lock is none. Remove it, or set object_lock "
        "to governance or compliance.",
    ),
    Case(
        "removed while it is locked",
        archive("object_lock: compliance", "object_lock_days: 90", "remote_days: 60"),
        f"{int(OPTION) + 2}:18 {STORE}.remote_days: 60 days are over before the store lets go, after 90. Use 90 or "
        "more, or lock for less.",
    ),
    Case(
        "watched from the ice",
        archive("storage_class: DEEP_ARCHIVE"),
        f"{OPTION}:20 {STORE}.storage_class: what lies in DEEP_ARCHIVE cannot be watched: reading it takes hours. Use "
        "GLACIER_IR, or set recordings.replay.mode to off.",
    ),
    Case(
        "never verified in the ice",
        archive("storage_class: GLACIER", "encryption: aws:kms"),
        f"{OPTION}:20 {STORE}.storage_class: what lies in GLACIER cannot be read back to be verified, and with "
        "encryption aws:kms the store's ETag is not the MD5. Use GLACIER_IR, or let a rule of the bucket move it there "
        "later.",
    ),
    Case(
        "locked in the ice with the MD5 told",
        archive("storage_class: DEEP_ARCHIVE", "object_lock: governance", "checksums: when_required"),
        f"{OPTION}:20 {STORE}.storage_class: what lies in DEEP_ARCHIVE cannot be read back to be verified, and with "
        "object_lock and checksums when_required the store is told the MD5 by which it would be. Use GLACIER_IR, or "
        "let a rule of the bucket move it there later.",
    ),
    Case(
        "an archive of nothing",
        SITE + STREAMS + "recordings:\n  archive: {bucket: abc, access_key_id: A, secret: archive}\n",
        "7:3 recordings.archive: an archive, and nothing is recorded. Set recordings.record to true, or 'record: "
        "always' on a stream.",
    ),
    Case(
        "a word of a stream that is not, and no more said of it",
        SITE
        + "streams:\n  - {slug: demo, title: Demo, record: yes}\n"
        + "recordings:\n  archive: {bucket: abc, access_key_id: A, secret: archive}\n",
        "4:39 streams[0].record: 'yes' is not a choice. Choose site, always or never.",
    ),
    Case(
        "a low water above the high one",
        HEAD + "  keep: {high_water_percent: 60, low_water_percent: 60}\n",
        f"{LINE + 1}:53 recordings.keep.low_water_percent: the low water of 60 percent is not below the high water of "
        "60 percent. Use less than 60 for low_water_percent.",
    ),
    Case(
        "a high water below the usual low one",
        HEAD + "  keep: {high_water_percent: 60}\n",
        f"{LINE + 1}:30 recordings.keep.high_water_percent: the low water of 70 percent is not below the high water of "
        "60 percent. Use more than 70.",
    ),
    Case(
        "a night run without its zero",
        HEAD + "  keep: {prune_at: 3:30}\n",
        f"{LINE + 1}:20 recordings.keep.prune_at: '3:30' is not a time of day. Write hours and minutes in quotes; for "
        'example "22:00".',
    ),
)

REPLAYS = (
    Case(
        "a public replay of nothing from nowhere",
        HEAD + "  replay: {mode: public}\n",
        f"{LINE + 1}:18 recordings.replay.mode: public needs public_url. Add 'public_url: "
        "https://vod.example.org/recordings'.",
        f"{LINE + 1}:18 recordings.replay.mode: replay public is from the archive, and there is none. Add "
        "recordings.archive, or use off.",
    ),
    Case(
        "a proxied replay without an archive",
        HEAD + "  replay: {mode: proxied}\n",
        f"{LINE + 1}:18 recordings.replay.mode: replay proxied is from the archive, and there is none. Add "
        "recordings.archive, or use off.",
    ),
    Case(
        "a public URL that nobody uses",
        HEAD + "  replay: {public_url: https://vod.example.org}\n",
        f"{LINE + 1}:24 recordings.replay.public_url: only replay public has public_url, not presigned. Remove it.",
    ),
    Case(
        "a public URL of another scheme",
        HEAD + "  replay: {mode: 'off', public_url: ftp://vod.example.org}\n",
        f"{LINE + 1}:37 recordings.replay.public_url: not an http or https URL. Write it whole; for example "
        "https://vod.example.org/recordings.",
    ),
    Case(
        "a public URL with a slash at its end",
        archive() + "  replay: {mode: public, public_url: https://vod.example.org/recordings/}\n",
        f"{OPTION}:38 recordings.replay.public_url: a key follows it: no query, no fragment, no slash at its end. "
        "Write https://vod.example.org/recordings.",
    ),
    Case(
        "a public URL with a password",
        archive() + "  replay: {mode: public, public_url: 'https://me:hunter2@vod.example.org'}\n",
        f"{OPTION}:38 recordings.replay.public_url: a public URL has no user or password. Write it without; for "
        "example https://vod.example.org.",
    ),
)

CASES = (*NAMES, *ENDPOINTS, *LAYOUTS, *OPTIONS, *REPLAYS)
