"""What one host of the inventory should be: its roles, and the artifacts that `headend` renders for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError
from pyinfra import logger
from pyinfra.api import Host
from pyinfra.api.exceptions import PyinfraError

from headend.artifact import Artifact
from headend.fault import SpecError
from headend.layout import Layout
from headend.loader import load_spec
from headend.model.spec import Spec
from headend.render import ROLES, render_role


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A host's share of the spec."""

    roles: tuple[str, ...]
    layout: Layout
    slugs: tuple[str, ...]
    """The streams of the spec."""
    ladders: tuple[str, ...] = ()
    """The ladders of the spec."""
    srt: bool = True
    """Whether the spec has SRT."""
    announces: bool = False
    """Whether the spec names a destination."""
    announcement_secrets: tuple[str, ...] = ()
    """Names of the credentials that its destinations need."""
    records: bool = False
    """Whether anything is recorded."""
    archive_secrets: tuple[str, ...] = ()
    """Name of the credential that the archive needs, if there is an archive."""
    artifacts: tuple[Artifact, ...]
    """Every file of the host's roles, sorted by path."""

    def has(self, *roles: str) -> bool:
        """Whether the host has any of the given roles."""
        return any(role in self.roles for role in roles)

    @property
    def has_srt(self) -> bool:
        """Whether the host takes SRT callers."""
        return self.srt and self.has("ingest")

    def under(self, *folders: str) -> tuple[Artifact, ...]:
        """The artifacts below the given folders."""
        return tuple(artifact for artifact in self.artifacts if artifact.path.startswith(folders))


def site_of(host: Host) -> Site:
    """The site of a host: roles are the groups it is in, the spec's path is its data `spec`.

    Raises PyinfraError with one line for a spec with faults (each fault is logged before it) and for roles that cannot
    share or leave a host.
    """
    roles = tuple(role for role in ROLES if role in host.groups)
    _check_roles(host.name, roles, media_root_shared=host.data.get("media_root_shared") is True)
    spec = _load(host)
    layout = _layout(host)
    archive = spec.recordings.archive
    by_path = {artifact.path: artifact for role in roles for artifact in render_role(spec, layout, role)}
    return Site(
        roles=roles,
        layout=layout,
        slugs=tuple(stream.slug for stream in spec.streams),
        ladders=tuple(spec.ladders),
        srt=spec.ingest.srt.enabled,
        announces=bool(spec.announcements.destinations),
        announcement_secrets=spec.announcements.secret_names,
        records=spec.recording,
        archive_secrets=(archive.secret,) if spec.recording and archive else (),
        artifacts=tuple(by_path[path] for path in sorted(by_path)),
    )


def _layout(host: Host) -> Layout:
    try:
        return Layout.from_data(host.data.dict())
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise PyinfraError(f"{host.name}: data {faults}. See group_data/all.py.") from None


def _load(host: Host) -> Spec:
    if not (name := host.data.get("spec")):
        raise PyinfraError(f"{host.name}: no spec. Give the host or its group the data spec, a path.")
    path = Path(str(name))
    spec = _load_once(path)
    if isinstance(spec, SpecError):
        raise PyinfraError(f"{path}: {len(spec.faults)} fault(s), listed above. No host was changed.")
    return spec


@cache
def _load_once(path: Path) -> Spec | SpecError:
    """One load and one list of faults per process, though pyinfra runs deploy.py once per host."""
    try:
        return load_spec(path)
    except SpecError as error:
        for fault in error.faults:
            logger.error(str(fault))
        return error


def _check_roles(name: str, roles: Sequence[str], *, media_root_shared: bool) -> None:
    """The hook app starts encoders and reads the stat page, so control lives with ingest; web needs the media root."""
    if not roles:
        raise PyinfraError(f"{name}: in none of the groups {', '.join(ROLES)}. Put it in one, in the inventory.")
    if ("control" in roles) != ("ingest" in roles):
        raise PyinfraError(f"{name}: ingest and control must be the same host. Put it in both groups.")
    if "web" in roles and "ingest" not in roles and not media_root_shared:
        raise PyinfraError(
            f"{name}: web on a host without ingest needs its media root. Mount it there and set media_root_shared=True."
        )
