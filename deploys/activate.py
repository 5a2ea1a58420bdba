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

from deploys.commands import Commands
from deploys.facts.activation import UnitActivation
from deploys.facts.applied import Applied
from deploys.facts.units import LiveStreams, UnitState
from deploys.site import Site
from headend.artifact import Artifact

Verb = Literal["start", "restart", "reload"]

# Roles with a unit of their own, in the order of activation: the hook app answers before the first publisher comes.
ROLES = ("control", "ingest", "web")


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
    cuts_live: bool = False
    """Whether a restart or a reload of it cuts a publisher."""


@operation()
def run(wanted: Wanted, applied_dir: str, stat_port: int, cut_live_streams: bool) -> Commands:
    """Enable a unit and start, restart or reload it as the difference to its last activation requires.

    + wanted: the unit and its files
    + applied_dir: where the hashes of the last activation are kept
    + stat_port: loopback port of nginx-rtmp's stat page
    + cut_live_streams: restart even under a live publisher
    """
    unit = wanted.unit
    now = host.get_fact(UnitActivation, unit=unit, applied_dir=applied_dir, release_link=wanted.release_link)
    state, desired = now.state, hashes(wanted, now.release)
    verb = decide(state, now.applied, desired)
    if verb is None and state.enabled and not state.needs_daemon_reload:
        host.noop(f"{unit} runs with what is deployed")
        return
    guarded = verb in ("restart", "reload") and wanted.cuts_live and not cut_live_streams
    if guarded and (reason := _reason_to_wait(stat_port)):
        host.log(f"{unit}: {verb} deferred, {reason}.", logger.warning)
        return
    yield from _commands(wanted, state, verb)
    yield write_applied(applied_dir, unit, desired, evidence(wanted, now.release))


def _reason_to_wait(stat_port: int) -> str | None:
    live = host.get_fact(LiveStreams, stat_port=stat_port)
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


def hashes(wanted: Wanted, release: str) -> Applied:
    """The desired hashes of a unit: its artifacts by action, and the release that its link points to."""
    mine = [artifact for artifact in wanted.artifacts if names(artifact.unit, wanted.unit)]
    return Applied(
        restart=digest((artifact for artifact in mine if artifact.action == "restart"), release),
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


def evidence(wanted: Wanted, release: str) -> str:
    """What `headend doctor` compares with the disk: checksums in the form of sha256sum, and the release."""
    mine = (artifact for artifact in wanted.artifacts if names(artifact.unit, wanted.unit))
    sums = "".join(f"{sha256(artifact.text.encode()).hexdigest()}  {artifact.path}\n" for artifact in mine)
    return f"{sums}release {wanted.release_link} {release}\n"


def unit_of(here: Site, role: str) -> Wanted:
    """The unit of a role that runs all the time, and what it runs with on this host."""
    if role == "control":
        link = f"{here.layout.prefix}/app/current"
        return Wanted(unit="headend-hooks.service", artifacts=here.artifacts, release_link=link)
    return Wanted(
        unit=f"nginx@{role}.service",
        artifacts=here.artifacts,
        release_link=f"{here.layout.prefix}/nginx/current",
        check=_nginx_check(here, role),
        cuts_live=role == "ingest",
    )


def _nginx_check(here: Site, instance: str) -> str:
    """nginx's own judgement of the new configuration, by the new build, as the user that will run it."""
    user = f"headend-{instance}"
    conf = f"{here.layout.config_dir}/nginx/{instance}.conf"
    nginx = f"{here.layout.prefix}/nginx/current/sbin/nginx -e stderr -t -q -c {conf}"
    return f"setpriv --reuid={user} --regid={user} --clear-groups {nginx}"
