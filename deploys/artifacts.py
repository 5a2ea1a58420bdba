"""Places finished artifacts: the one put-helper, and the removal of what the spec no longer has.

All files that differ travel in one archive, because each command costs a round trip. Every file appears at once and
whole: it is unpacked beside its place and renamed over it.
"""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Sequence

from pyinfra import host, logger, state
from pyinfra.api import FileUploadCommand, StringCommand, operation
from pyinfra.facts.files import FileContents
from pyinfra.operations.util.files import generate_color_diff

from deploys.commands import Commands
from deploys.facts.files import FolderNames, Placed, PlacedFiles
from deploys.facts.units import LiveStreams
from headend.artifact import Artifact

_SUFFIX = ".headend-new"


@operation()
def place(artifacts: Sequence[Artifact]) -> Commands:
    """Write those artifacts whose text, mode or owner differs on the host.

    + artifacts: finished files
    """
    placed = host.get_fact(PlacedFiles, paths=tuple(artifact.path for artifact in artifacts))
    different = [artifact for artifact in artifacts if placed.get(artifact.path) != Placed.of(artifact)]
    if not different:
        host.noop("every file is as rendered")
        return
    if state.config.DIFF:
        for artifact in different:
            _show_difference(artifact, exists=artifact.path in placed)
    remote = host.get_temp_filename("headend-artifacts")
    yield FileUploadCommand(pack(different), remote, remote_temp_filename=f"{remote}.upload")
    paths = shlex.join(artifact.path for artifact in different)
    # --touch: systemd and nginx (ETag) know a new text by its time.
    yield StringCommand(
        f"umask 022; tar --extract --preserve-permissions --touch --no-overwrite-dir --directory / --file {remote}"
        f' && for path in {paths}; do mv -fT "$path{_SUFFIX}" "$path" || exit 1; done && rm -f {remote}'
    )
    if any(artifact.path.startswith("/etc/systemd/system/") for artifact in different):
        yield StringCommand("systemctl daemon-reload")


def pack(artifacts: Sequence[Artifact]) -> io.BytesIO:
    """A tar archive of the artifacts with their modes and owners, each under its path plus a suffix."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for artifact in artifacts:
            content = artifact.text.encode()
            entry = tarfile.TarInfo(artifact.path.lstrip("/") + _SUFFIX)
            entry.size = len(content)
            entry.mode = int(artifact.mode, 8)
            entry.uname, entry.gname = artifact.owner, artifact.group
            archive.addfile(entry, io.BytesIO(content))
    packed.seek(0)
    return packed


def _show_difference(artifact: Artifact, *, exists: bool) -> None:
    """What `pyinfra --diff` prints for a file; artifacts hold no secrets."""
    current = (host.get_fact(FileContents, path=artifact.path) or []) if exists else []
    host.log(f"Will {'modify' if exists else 'create'} {artifact.path}", logger.info)
    desired = artifact.text.splitlines(keepends=True)
    for line in generate_color_diff([f"{line}\n" for line in current], desired):
        logger.info("  %s", line)


@operation()
def remove_dropped_streams(streams_dir: str, slugs: Sequence[str], stat_port: int | None) -> Commands:
    """Remove the files and the encoder of streams that the spec no longer has; a live one waits for the next deploy.

    + streams_dir: folder with one folder per stream
    + slugs: the streams of the spec
    + stat_port: loopback port of nginx-rtmp's stat page; None on a host that takes no publishers
    """
    names = host.get_fact(FolderNames, path=streams_dir)
    dropped = sorted(set(names) - set(slugs))
    live: Sequence[str] = ()
    if dropped and stat_port is not None:
        known = host.get_fact(LiveStreams, stat_port=stat_port)
        # Who cannot tell which streams are live removes none.
        live = dropped if known is None else known
    if not dropped:
        host.noop("every stream on the host is in the spec")
    for slug in dropped:
        if slug in live:
            host.log(f"{slug} has left the spec but may be live: its files stay until the next deploy", logger.warning)
            continue
        unit = shlex.quote(f"ffmpeg@{slug}.service")
        yield StringCommand(f"systemctl stop -- {unit} && rm -rf -- {shlex.quote(f'{streams_dir}/{slug}')}")


@operation()
def remove_dropped_ladders(ladders_dir: str, ladders: Sequence[str]) -> Commands:
    """Remove the files of ladders that the spec no longer has. An encoder that runs has read them long ago.

    + ladders_dir: folder with one folder per ladder
    + ladders: the ladders of the spec
    """
    names = host.get_fact(FolderNames, path=ladders_dir)
    dropped = sorted(set(names) - set(ladders))
    if not dropped:
        host.noop("every ladder on the host is in the spec")
        return
    yield StringCommand(f"rm -rf -- {shlex.join(f'{ladders_dir}/{name}' for name in dropped)}")
