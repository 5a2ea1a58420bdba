"""`headend-key srt-url` and `rtmp-url`: what to type into an encoder, for a key that is active."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Annotated

import typer

from headend.model.facts import SrtFacts, StreamFacts
from headend.model.publish_url import (
    NONCE_BYTES,
    SIGNED_DEFAULT,
    SIGNED_LONGEST,
    RtmpTarget,
    SrtTarget,
    encrypted_target,
    rtmp_target,
    settings_lines,
    signed_target,
)
from hooks_app.facts_file import FACTS
from hooks_app.key_desk import Desk, Facts, Json, MasterFd, SlugArgument, fail, open_desk, say_aside, when
from hooks_app.keys import KeyView

KeyOption = Annotated[str, typer.Option("--key", metavar="KEY_ID", help="Public id of an active key of the stream.")]
Host = Annotated[str | None, typer.Option(metavar="NAME", help="Name or address for the URL, instead of the site's.")]


def srt_url(
    slug: SlugArgument,
    key_id: KeyOption,
    signed: Annotated[
        bool | None,
        typer.Option(
            "--signed/--encrypted", help="A signed stream id, or a passphrase; the stream's way if not given."
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help=f"When a signed id expires: 2h, or a time; {SIGNED_DEFAULT} if not given."),
    ] = None,
    host: Host = None,
    as_json: Json = False,
    facts_file: Facts = FACTS,
    master_fd: MasterFd = None,
) -> None:
    """Print an SRT URL and what OBS, Larix, ffmpeg and GStreamer want of it. It is a secret."""
    with open_desk(facts_file, master_fd) as desk:
        stream, srt = desk.stream(slug), _srt(desk)
        key = _active(desk, slug, key_id)
        is_signed = stream.srt_admit == "signed" if signed is None else signed
        way = "signed" if is_signed else "encrypted"
        if stream.srt_admit not in {"any", way}:
            fail(f"{slug}: admits only {stream.srt_admit} callers (srt_admit in the spec). Use --{stream.srt_admit}.")
        if expires is not None and not is_signed:
            fail("--expires is for --signed. A key's own expiry is set when it is made: `headend-key add --expires`.")
        until = _signed_expiry(desk, key, expires) if is_signed else None
        target = _srt_target(desk.master, srt, host or srt.public_host, key, until)
    if as_json:
        typer.echo(json.dumps({"way": way, "expires_at": when(until), **target.document}))
        return
    good = "good for one address" if srt.signed_reuse == "same_address" else "good once"
    until_text = f", {good}, until {until:%Y-%m-%d %H:%M:%S} UTC; nothing is encrypted" if until else ""
    _print(target, f"{'way':<11}{way}{until_text}")


def rtmp_url(
    slug: SlugArgument,
    key_id: KeyOption,
    host: Host = None,
    as_json: Json = False,
    facts_file: Facts = FACTS,
    master_fd: MasterFd = None,
) -> None:
    """Print an RTMP URL and what OBS, Larix, ffmpeg and GStreamer want of it. It is a secret."""
    with open_desk(facts_file, master_fd) as desk:
        desk.stream(slug)
        rtmp, master = desk.facts.rtmp, desk.master
        if rtmp is None:
            fail("The facts do not say where RTMP publishers connect. Deploy the control role again.")
        _active(desk, slug, key_id)
        if not desk.keys.has_derived_secret(slug, key_id):
            fail(f"{key_id}: was not made from this host's master secret, so its RTMP key is unknown. Make a new key.")
        target = rtmp_target(
            master,
            host=host or rtmp.public_host,
            port=rtmp.port,
            slug=slug,
            key_id=key_id,
            application=desk.facts.application,
        )
    if as_json:
        typer.echo(json.dumps(target.document))
        return
    _print(target)


def encrypted_url(desk: Desk, stream: StreamFacts, key: KeyView) -> str | None:
    """The SRT URL of a new key, where the stream admits encrypted callers."""
    srt = desk.facts.srt
    if srt is None or stream.srt_admit == "signed":
        return None
    return _srt_target(desk.master, srt, srt.public_host, key, None).url


def _srt(desk: Desk) -> SrtFacts:
    return desk.facts.srt or fail("SRT is off on this origin (ingest.srt.enabled in the spec).")


def _active(desk: Desk, slug: str, key_id: str) -> KeyView:
    return desk.keys.active(slug, key_id) or fail(
        f"{key_id}: no active key of {slug}. `headend-key list {slug}` shows them, `headend-key add {slug}` makes one."
    )


def _signed_expiry(desk: Desk, key: KeyView, expires: str | None) -> datetime:
    until = desk.expiry(expires or SIGNED_DEFAULT)
    if until - desk.clock.now() > SIGNED_LONGEST:
        fail("expires: a signed id is good for 24 h at most. Use the encrypted way, or make another id later.")
    if key.expires_at is not None and key.expires_at < until:
        say_aside(f"The key itself expires before that, {key.expires_at:%Y-%m-%d %H:%M:%S} UTC: so does this id.")
        return key.expires_at
    return until


def _srt_target(master: bytes, srt: SrtFacts, host: str, key: KeyView, until: datetime | None) -> SrtTarget:
    """Encrypted, or signed where there is an expiry."""
    if until is None:
        return encrypted_target(
            master, host=host, port=srt.port, slug=key.slug, key_id=key.key_id, latency_ms=srt.latency_ms
        )
    return signed_target(
        master,
        host=host,
        port=srt.port,
        slug=key.slug,
        key_id=key.key_id,
        latency_ms=srt.latency_ms,
        expires_at=int(until.timestamp()),
        nonce=secrets.token_urlsafe(NONCE_BYTES),
    )


def _print(target: SrtTarget | RtmpTarget, *more: str) -> None:
    typer.echo("\n".join([*more, f"{'URL':<11}{target.url}", *settings_lines(target)]))
