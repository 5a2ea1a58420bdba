"""Makes the running units equal to what lies on the disk, and never cuts a live show to do so.

The decision compares the desired hashes with those of the last activation, not with "did this run change a file":
a deploy that died between writing and restarting is finished by the next one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from pyinfra import host, logger
from pyinfra.api import StringCommand, operation

from deploys import announcer, archiver
from deploys.commands import Commands
from deploys.facts.activation import UnitActivation
from deploys.facts.applied import Applied
from deploys.facts.libsrt import Libsrt
from deploys.facts.units import LiveCallers, LiveStreams, UnitState
from deploys.site import Site
from headend.artifact import Artifact
from headend.nginx import CREDENTIALS

Verb = Literal["start", "restart", "reload"]
OnAir = type[LiveStreams] | type[LiveCallers]

# Units that run all the time, in the order of activation: what answers runs before what asks.
UNITS = (
    "headend-hooks.service",
    "headend-announce.service",
    "headend-archive.service",
    "nginx@ingest.service",
    "srt-remux.socket",
    "nginx@srt.service",
    "nginx@web.service",
    "headend-backup.timer",
    "headend-prune.timer",
)

# Read at nginx's start, though no deploy renders it. Debian's folder for libraries has the architecture in its name.
LIBSRT = "/usr/lib/*/libsrt-openssl.so.1.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A unit that must run, and what it runs with."""

    unit: str
    artifacts: tuple[Artifact, ...]
    """All files of the host; those that name the unit count."""
    release_link: str
    """Link to the release that the unit runs from; another target means a restart."""
    check: str | None = None
    """Command that must succeed before the unit takes over new files."""
    cuts: OnAir | None = None
    """Who is cut by a restart or a reload of it; None: nobody."""
    stat_port: int = 0
    """Loopback port of the stat page that says whether they are on air."""
    watched: tuple[str, ...] = ()
    """Shell patterns of files that a restart takes over, though no deploy places them or may know what they hold."""
    needs_libsrt: bool = False
    """Whether it faces strangers with libsrt, so that an old one must not run."""


@operation()
def run(wanted: Wanted, applied_dir: str, cut_live_streams: bool) -> Commands:
    """Enable a unit and start, restart or reload it as the difference to its last activation requires.

    + wanted: the unit and its files
    + applied_dir: where the hashes of the last activation are kept
    + cut_live_streams: restart even under a live publisher or caller
    """
    unit = wanted.unit
    now = host.get_fact(
        UnitActivation,
        unit=unit,
        applied_dir=applied_dir,
        release_link=wanted.release_link,
        watched=wanted.watched,
    )
    state, desired = now.state, hashes(wanted, now.release, now.modified)
    verb = decide(state, now.applied, desired)
    if verb is None and state.enabled and not state.needs_daemon_reload:
        host.noop(f"{unit} runs with what is deployed")
        return
    if verb and wanted.needs_libsrt and (libsrt := host.get_fact(Libsrt)) and libsrt.problem:
        host.log(f"{unit}: no {verb}, {libsrt.problem}.", logger.error)
        return
    guarded = verb in ("restart", "reload") and wanted.cuts and not cut_live_streams
    if guarded and (reason := reason_to_wait(wanted.cuts, wanted.stat_port)):
        host.log(f"{unit}: {verb} deferred, {reason}.", logger.warning)
        return
    yield from _commands(wanted, state, verb)
    yield write_applied(applied_dir, unit, desired, evidence(wanted, now.release, now.modified))


def reason_to_wait(cuts: OnAir | None, stat_port: int) -> str | None:
    """Why nothing may be restarted now, as the end of a sentence; None when nobody is cut."""
    live = host.get_fact(cuts, stat_port=stat_port) if cuts else []
    if live is None:
        return "the stat page is silent, so a stream may be live. Deploy with cut_live_streams=True to do it anyway"
    return f"{', '.join(live)} is live. The next deploy does it" if live else None


def _commands(wanted: Wanted, state: UnitState, verb: Verb | None) -> Commands:
    unit = shlex.quote(wanted.unit)
    if verb and wanted.check:
        yield StringCommand(wanted.check)
    if state.needs_daemon_reload:
        yield StringCommand("systemctl daemon-reload")
    if not state.enabled:
        yield StringCommand(f"systemctl enable --quiet -- {unit}")
    if verb:
        yield StringCommand(f"systemctl {verb} -- {unit}")


def decide(state: UnitState, applied: Applied, desired: Applied) -> Verb | None:
    """What a unit needs: nothing (None), or the mildest verb that takes the difference over."""
    if not state.running:
        return "start"
    if applied.restart != desired.restart:
        return "restart"
    return "reload" if applied.reload != desired.reload else None


def hashes(wanted: Wanted, release: str, modified: tuple[str, ...] = ()) -> Applied:
    """The desired hashes of a unit: its artifacts by action, the release that its link points to, the watched files."""
    mine = [artifact for artifact in wanted.artifacts if names(artifact.unit, wanted.unit)]
    return Applied(
        restart=digest((artifact for artifact in mine if artifact.action == "restart"), release, *modified),
        reload=digest(artifact for artifact in mine if artifact.action == "reload"),
    )


def names(named: str | None, unit: str) -> bool:
    """Whether an artifact's unit is this one: by name, or by the template that it is an instance of."""
    template, at, _ = unit.partition("@")
    return named in (unit, unit.removesuffix(".service")) or (
        bool(at) and named in (f"{template}@", f"{template}@.service")
    )


def digest(artifacts: Iterable[Artifact], *more: str) -> str:
    """One hash over paths and texts, in their order."""
    total = sha256()
    for part in (*more, *(part for artifact in artifacts for part in (artifact.path, artifact.text))):
        total.update(sha256(part.encode()).digest())
    return total.hexdigest()


def write_applied(applied_dir: str, name: str, applied: Applied, evidence: str = "") -> StringCommand:
    """The command that remembers an activation; the file appears at once and whole."""
    folder, path = shlex.quote(applied_dir), shlex.quote(f"{applied_dir}/{name}")
    text = shlex.quote(applied.text + evidence)
    return StringCommand(f"install -d -m 0755 {folder} && printf %s {text} > {path}.new && mv -f {path}.new {path}")


def evidence(wanted: Wanted, release: str, modified: tuple[str, ...] = ()) -> str:
    """What `headend doctor` compares with the disk: checksums in the form of sha256sum, release, times of change."""
    mine = (artifact for artifact in wanted.artifacts if names(artifact.unit, wanted.unit))
    sums = "".join(f"{sha256(artifact.text.encode()).hexdigest()}  {artifact.path}\n" for artifact in mine)
    times = "".join(f"modified {line}\n" for line in modified)
    return f"{sums}{times}release {wanted.release_link} {release}\n"


def unit_of(here: Site, unit: str) -> Wanted | None:
    """What one of UNITS runs with on this host; None if the host does not have it."""
    layout = here.layout
    nginx = f"{layout.prefix}/nginx/current"
    master = shlex.quote(f"{layout.config_dir}/credentials/master")
    match unit:
        case "headend-hooks.service" if here.has("control"):
            return _of_release(here, unit, (f"{layout.config_dir}/credentials/master",))
        case announcer.UNIT if here.has("control") and here.announces:
            secrets = (announcer.secret_path(layout.config_dir, name) for name in here.announcement_secrets)
            return _of_release(here, unit, secrets)
        case archiver.UNIT if here.has("control") and here.records:
            # A restart cuts nobody: finishers are units of their own, and an upload goes on where it was.
            secrets = (archiver.secret_path(layout.config_dir, name) for name in here.archive_secrets)
            return _of_release(here, unit, secrets)
        case archiver.TIMER if here.has("control") and here.records:
            # What a timer starts is read at each start.
            return Wanted(unit=unit, artifacts=here.artifacts, release_link="")
        case "headend-backup.timer" if here.has("control") and not layout.database_server:
            return Wanted(unit=unit, artifacts=here.artifacts, release_link="")
        case "nginx@ingest.service" if here.has("ingest"):
            return Wanted(
                unit=unit,
                artifacts=here.artifacts,
                release_link=nginx,
                check=_nginx_check(here, "ingest"),
                cuts=LiveStreams,
                stat_port=layout.stat_port,
            )
        case "srt-remux.socket" if here.has_srt:
            # A new remuxer needs no restart: the next caller gets it.
            return Wanted(
                unit=unit, artifacts=here.artifacts, release_link="", cuts=LiveCallers, stat_port=layout.srt_stat_port
            )
        case "nginx@srt.service" if here.has_srt:
            return Wanted(
                unit=unit,
                artifacts=here.artifacts,
                release_link=nginx,
                check=_srt_check(here, master),
                cuts=LiveCallers,
                stat_port=layout.srt_stat_port,
                watched=(master, LIBSRT),
                needs_libsrt=True,
            )
        case "nginx@web.service" if here.has("web"):
            return Wanted(unit=unit, artifacts=here.artifacts, release_link=nginx, check=_nginx_check(here, "web"))
    return None


def database_password(here: Site) -> str:
    """Where the password of the database server lies on a host."""
    return f"{here.layout.config_dir}/credentials/database"


def _of_release(here: Site, unit: str, secrets: Iterable[str]) -> Wanted:
    """A unit of the hook app's release; it takes new secrets over, the database's too."""
    database = (database_password(here),) if here.layout.needs_database_password else ()
    return Wanted(
        unit=unit,
        artifacts=here.artifacts,
        release_link=f"{here.layout.prefix}/app/current",
        watched=tuple(map(shlex.quote, (*secrets, *database))),
    )


def _nginx_check(here: Site, instance: str) -> str:
    """nginx's own judgement of the new configuration, by the new build, as the user that will run it."""
    user = f"headend-{instance}"
    conf = f"{here.layout.config_dir}/nginx/{instance}.conf"
    return f"setpriv --reuid={user} --regid={user} --clear-groups {_nginx_test(here, conf)}"


def _srt_check(here: Site, master: str) -> str:
    """The same for nginx@srt, which needs its secret for it: systemd gives it to a unit of another name."""
    conf, copy = f"{here.layout.config_dir}/nginx/srt.conf", f"{here.layout.run_dir}/srt/check.conf"
    script = f'sed "s|{CREDENTIALS}|$CREDENTIALS_DIRECTORY|" {conf} >{copy} && {_nginx_test(here, copy)}'
    properties = f"-p User=headend-srt -p Group=headend-srt -p LoadCredential=master:{master}"
    return f"systemd-run --quiet --wait --pipe --collect {properties} -- sh -c {shlex.quote(script)}"


def _nginx_test(here: Site, conf: str) -> str:
    return f"{here.layout.prefix}/nginx/current/sbin/nginx -e stderr -t -q -c {conf}"
