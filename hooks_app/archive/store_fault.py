"""What goes wrong with the store, as one sentence: place, fault, remedy."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.exceptions import (
    ConnectionError as BrokenError,
)

from headend.model.recordings import Archive


class StoreError(Exception):
    """One sentence for people."""

    def __init__(self, sentence: str, *, retry: bool) -> None:
        super().__init__(sentence)
        self.retry = retry
        """Whether it may be over by itself; else a person has to do something first."""


class StoppedError(StoreError):
    """The caller asked for an end; what is on its way goes on from here the next time."""


class DeniedError(StoreError):
    """The key may not; or, of an object that is not there, it may not know that."""


WRONG_KEY: Final = "the store does not know this access key, or the secret is not its own"
FULL: Final = "the store is full"
BUSY: Final = "the store cannot serve at the moment, or is full"

KNOWN: Final[dict[str, tuple[str, str, bool]]] = {
    "InvalidAccessKeyId": (WRONG_KEY, "Correct access_key_id, or the credential of the archive", False),
    "SignatureDoesNotMatch": (WRONG_KEY, "Correct access_key_id, or the credential of the archive", False),
    "NoSuchBucket": ("there is no such bucket", "Make it, or correct its name", False),
    "AccessDenied": ("access denied", "Give this key what `headend archive policy` prints", False),
    "AllAccessDisabled": ("access denied", "Ask whoever runs the store", False),
    "AuthorizationHeaderMalformed": ("the region is another", "Correct region", False),
    "PermanentRedirect": ("the bucket is in another region", "Correct region and endpoint", False),
    "InvalidRequest": ("the store refuses the request as it is", "Try checksums: when_required, or see its log", False),
    "InvalidArgument": (
        "the store refuses the request as it is",
        "Try checksums: when_required, or see its log",
        False,
    ),
    "NotImplemented": ("the store cannot do that", "Leave out the option that it does not know", False),
    "KMS.NotFoundException": ("there is no such encryption key", "Correct kms_key_id", False),
    "BadDigest": ("what arrived is not what was sent", "It is sent again", True),
    "InvalidDigest": ("what arrived is not what was sent", "It is sent again", True),
    "XAmzContentSHA256Mismatch": ("what arrived is not what was sent", "It is sent again", True),
    "InsufficientStorage": (FULL, "Make room there", True),
    "507": (FULL, "Make room there", True),
    "XMinioStorageFull": (FULL, "Make room there", True),
    "QuotaExceeded": (FULL, "Make room there, or raise the quota", True),
    "ServiceUnavailable": (BUSY, "It is tried again", True),
    "503": (BUSY, "It is tried again", True),
    "SlowDown": ("the store asks for fewer requests", "It is tried again; else lower parallel_parts", True),
    "InternalError": ("the store failed", "It is tried again", True),
    "RequestTimeout": ("the store did not get all of it in time", "It is tried again", True),
    "NoSuchKey": ("it is not in the store", "See who removed it", False),
    "404": ("it is not in the store", "See who removed it", False),
    "403": ("access denied", "Give this key what `headend archive policy` prints", False),
}

LOCKED = re.compile(r"object.?lock|retention|legal.?hold|WORM", re.IGNORECASE)
CONTROL = re.compile(r"[^\x20-\x7e]+")


def place(archive: Archive, key: str = "") -> str:
    """How the place is named in every sentence."""
    endpoint = archive.endpoint or f"AWS {archive.region}"
    return f"store {endpoint} {archive.bucket}{'/' if key else ''}{key}"


def code(error: ClientError) -> str:
    """The code that the store gave; the HTTP status where it gave none."""
    return str(error.response.get("Error", {}).get("Code") or status(error))


def status(error: ClientError) -> int:
    """The HTTP status."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def fault_of(error: Exception, archive: Archive, key: str = "", now: datetime | None = None) -> StoreError:
    """The sentence for what boto3 raised."""
    where = place(archive, key)
    if isinstance(error, ClientError):
        words, remedy, retry = _of_answer(error, now or datetime.now(UTC))
        kind = DeniedError if (words, remedy, retry) == KNOWN["AccessDenied"] else StoreError
    else:
        words, remedy, retry = _of_connection(error)
        kind = StoreError
    return kind(f"{where}: {words}. {remedy}", retry=retry)


def _of_answer(error: ClientError, now: datetime) -> tuple[str, str, bool]:
    name, number = code(error), status(error)
    said = CONTROL.sub(" ", str(error.response.get("Error", {}).get("Message", "")))[:120]
    if name == "RequestTimeTooSkewed":
        return _skew(error, now)
    if name in {"AccessDenied", "InvalidRequest"} and LOCKED.search(said):
        return "object lock keeps it from being removed or replaced", "Wait until its time is over", False
    if name in KNOWN:
        return KNOWN[name]
    if number == 507:
        return KNOWN["507"]
    if number >= 500 or number == 429:
        return f"{BUSY} ({number} {name})", "It is tried again", True
    return f"refused with {number} {name}: {said or 'no words'}", "See the store's log", False


def _skew(error: ClientError, now: datetime) -> tuple[str, str, bool]:
    text = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        seconds = (now - parsedate_to_datetime(text)).total_seconds()
        apart = f"{abs(seconds) / 60:.0f} minutes {'ahead of' if seconds > 0 else 'behind'} the store's"
    except (ValueError, TypeError):
        apart = "too far from the store's"
    return f"this host's clock is {apart}", "Set the clocks: see timedatectl", True


def _of_connection(error: Exception) -> tuple[str, str, bool]:
    if isinstance(error, SSLError):
        return "its TLS certificate is not one that this host trusts", "Correct the certificate, or trust its CA", False
    if isinstance(error, ConnectTimeoutError | EndpointConnectionError):
        return "cannot be reached", "See to the network and the endpoint; it is tried again", True
    if isinstance(error, ReadTimeoutError):
        return "did not answer in time", "It is tried again", True
    if isinstance(error, ConnectionClosedError | BrokenError | HTTPClientError | OSError):
        return "the connection broke", "It is tried again", True
    if isinstance(error, BotoCoreError):
        # Their texts may hold what was given, never the secret key; of that only the kind is worth a sentence.
        return f"the request could not be made ({type(error).__name__})", "Correct the archive's options", False
    return f"failed ({type(error).__name__})", "It is tried again", True
