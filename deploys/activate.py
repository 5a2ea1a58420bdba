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
from deploys.facts.applied import Applied, AppliedHashes
from deploys.facts.files import LinkTarget
from deploys.facts.units import LiveStreams, Units, UnitState
from deploys.site import Site
from headend.artifact import Artifact

Verb = Literal["start", "restart", "reload"]


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
    state = host.get_fact(Units, units=(unit,)).get(unit, UnitState())
    applied = host.get_fact(AppliedHashes, applied_dir=applied_dir).get(unit, Applied())
    release = host.get_fact(LinkTarget, path=wanted.release_link)
    desired = hashes(wanted, release)
    verb = decide(state, applied, desired)
    if verb is None and state.enabled and not state.needs_daemon_reload:
        host.noop(f"{unit} runs with what is deployed")
        return
    guarded = verb in ("restart", "reload") and wanted.cuts_live and not cut_live_streams
    if guarded and (live := host.get_fact(LiveStreams, stat_port=stat_port)):
        host.log(f"{unit}: {verb} deferred, {', '.join(live)} is live. The next deploy does it.", logger.warning)
        return
    yield from _commands(wanted, state, verb)
    yield write_applied(applied_dir, unit, desired, evidence(wanted, release))


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


def wanted_units(here: Site) -> tuple[Wanted, ...]:
    """The units that run all the time on a host with these roles, in the order of activation."""
    app, nginx = f"{here.layout.prefix}/app/current", f"{here.layout.prefix}/nginx/current"
    by_role = {
        "control": Wanted(unit="headend-hooks.service", artifacts=here.artifacts, release_link=app),
        "ingest": Wanted(
            unit="nginx@ingest.service",
            artifacts=here.artifacts,
            release_link=nginx,
            check=_nginx_check(here, "ingest"),
            cuts_live=True,
        ),
        "web": Wanted(
            unit="nginx@web.service",
            artifacts=here.artifacts,
            release_link=nginx,
            check=_nginx_check(here, "web"),
        ),
    }
    return tuple(wanted for role, wanted in by_role.items() if role in here.roles)


def _nginx_check(here: Site, instance: str) -> str:
    """nginx's own judgement of the new configuration, by the new build, as the user that will run it."""
    user = f"headend-{instance}"
    conf = f"{here.layout.config_dir}/nginx/{instance}.conf"
    nginx = f"{here.layout.prefix}/nginx/current/sbin/nginx -e stderr -t -q -c {conf}"
    return f"setpriv --reuid={user} --regid={user} --clear-groups {nginx}"
