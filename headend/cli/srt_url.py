"""`headend srt-url`: what an encoder needs to publish over SRT."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer

from headend.cli.output import AsJson, Code, load, print_json, stop
from headend.cli.publishing import (
    MASTER,
    HostOption,
    KeyOption,
    MasterOption,
    SpecOption,
    StreamArgument,
    checked_key,
    host_of,
    master_of,
    stream_of,
)
from headend.model.expiry import expiry
from headend.model.facts import SrtAdmit
from headend.model.publish_url import (
    NONCE_BYTES,
    SIGNED_DEFAULT,
    SIGNED_LONGEST,
    SrtTarget,
    encrypted_target,
    settings_lines,
    signed_target,
)


def srt_url(
    stream: StreamArgument,
    key: KeyOption,
    spec: SpecOption = None,
    host: HostOption = None,
    signed: Annotated[
        bool | None,
        typer.Option("--signed/--encrypted", help="Way in; by default the stream's, encrypted if it admits both."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help=f"End of a signed stream id: 2h, or a time; {SIGNED_DEFAULT} if not given."),
    ] = None,
    master: MasterOption = MASTER,
    as_json: AsJson = False,
) -> None:
    """Print an SRT URL, a secret, and what OBS, Larix, ffmpeg and GStreamer want of it."""
    loaded, _ = load(spec, as_json=as_json)
    chosen = stream_of(loaded, stream, as_json=as_json)
    if not loaded.ingest.srt.enabled:
        stop(Code.USAGE, "SRT is off in this spec. Set 'ingest.srt.enabled: true'.", as_json=as_json)
    way = way_of(stream, loaded.srt_admit(chosen), signed, as_json=as_json)
    if expires is not None and way != "signed":
        hint = "A key's own end is set on the host: 'headend-key add --expires'."
        stop(Code.USAGE, f"--expires is for --signed. {hint}", as_json=as_json)
    until = end_of(expires or SIGNED_DEFAULT, as_json=as_json) if way == "signed" else None
    place = host_of(loaded, host, as_json=as_json)
    key_id = checked_key(key, as_json=as_json)
    secret = master_of(master, as_json=as_json)
    srt = loaded.ingest.srt
    target = (
        signed_target(
            secret,
            host=place,
            port=srt.port,
            slug=stream,
            key_id=key_id,
            latency_ms=srt.latency_ms,
            expires_at=int(until.timestamp()),
            nonce=secrets.token_urlsafe(NONCE_BYTES),
        )
        if until
        else encrypted_target(secret, host=place, port=srt.port, slug=stream, key_id=key_id, latency_ms=srt.latency_ms)
    )
    if as_json:
        print_json({"ok": True, "way": way, "expires_at": until.isoformat() if until else None, **target.document})
    else:
        typer.echo(text(target, until, reusable=srt.signed_reuse == "same_address"))


def way_of(slug: str, admitted: SrtAdmit, signed: bool | None, *, as_json: bool) -> str:
    """The way in; ends the command when the stream does not admit what was asked for."""
    asked = {None: "encrypted" if admitted == "any" else admitted, True: "signed", False: "encrypted"}[signed]
    if admitted not in ("any", asked):
        stop(Code.USAGE, f"{slug} admits only {admitted} callers. Leave out --{asked}.", as_json=as_json)
    return asked


def end_of(expires: str, *, as_json: bool) -> datetime:
    """When a signed stream id ends; ends the command when that is no time, or too far away."""
    now = datetime.now(UTC)
    try:
        until = expiry(expires, now)
    except ValueError as error:
        stop(Code.USAGE, f"--expires: {error}.", as_json=as_json)
    if until - now > SIGNED_LONGEST:
        stop(Code.USAGE, "--expires: a signed stream id lives 24 hours at most. Use --encrypted.", as_json=as_json)
    return until


def text(target: SrtTarget, until: datetime | None, *, reusable: bool) -> str:
    """For a terminal; the URL comes first."""
    way = "encrypted"
    if until:
        good = "good for one address" if reusable else "good once"
        way = f"signed, {good}, until {until:%Y-%m-%d %H:%M:%S} UTC; nothing is encrypted"
    lines = [target.url, "", f"{'way':<11}{way}", f"{'stream id':<11}{target.stream_id}"]
    if target.passphrase:
        lines.append(f"{'passphrase':<11}{target.passphrase}")
    return "\n".join([*lines, *settings_lines(target)])
