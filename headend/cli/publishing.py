"""What `srt-url` and `rtmp-url` share: whose URL, of which host, and from which secret."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from headend.cli.output import Code, stop
from headend.fault import shown
from headend.model.credential import read_master
from headend.model.spec import Spec, Stream
from headend.model.stream_id import KEY_ID
from headend.near import nearest

MASTER = Path("/etc/headend/credentials/master")
STANDARD_INPUT = Path("-")
HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")

StreamArgument = Annotated[str, typer.Argument(metavar="STREAM", help="Public name of the stream, its slug.")]
KeyOption = Annotated[str, typer.Option("--key", metavar="ID", help="Public id of the key; 'headend-key' makes keys.")]
SpecOption = Annotated[
    Path | None, typer.Option("--spec", help="Spec file; may be left out when specs/ holds exactly one of your own.")
]
HostOption = Annotated[
    str | None, typer.Option("--host", metavar="NAME", help="Where the encoder connects, instead of the site's host.")
]
# Never the secret itself: other users of this machine can read arguments and environments.
MasterOption = Annotated[Path, typer.Option("--master", help="File with the master secret; - for standard input.")]


def stream_of(spec: Spec, slug: str, *, as_json: bool) -> Stream:
    """The stream that the command line names; ends the command when there is none."""
    streams = {stream.slug: stream for stream in spec.streams}
    if slug not in streams:
        near = nearest(slug, streams)
        hint = f"Did you mean '{near}'?" if near else f"Known: {', '.join(list(streams)[:20])}."
        stop(Code.USAGE, f"There is no stream '{shown(slug)}'. {hint}", as_json=as_json)
    return streams[slug]


def checked_key(key_id: str, *, as_json: bool) -> str:
    """The key id; ends the command when it cannot be one. Whether the key is active only the host knows."""
    if not KEY_ID.fullmatch(key_id):
        stop(Code.USAGE, "--key: not a key id. Use the id that 'headend-key list' shows, not the key.", as_json=as_json)
    return key_id


def host_of(spec: Spec, host: str | None, *, as_json: bool) -> str:
    """The host that was asked for, or the site's; IPv6 without brackets."""
    chosen = (host or urlsplit(spec.site.public_url).hostname or "").removeprefix("[").removesuffix("]")
    if not HOST.fullmatch(chosen):
        stop(Code.USAGE, f"--host: '{shown(chosen)}' is neither a name nor an address.", as_json=as_json)
    return chosen


def master_of(path: Path, *, as_json: bool) -> bytes:
    """The master secret; ends the command when it cannot be read or is none."""
    try:
        content = sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()
        return read_master(content)
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        hint = "Run this on the host as root, or name a copy with --master"
        stop(Code.FILE, f"{path}: {reason}. {hint}.", as_json=as_json)
    except ValueError as error:
        stop(Code.FILE, f"{path}: {error}.", as_json=as_json)
