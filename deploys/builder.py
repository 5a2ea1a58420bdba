"""Our own nginx: built on a builder, shipped to every host that runs one.

The build itself is one script on the builder (templates/builder/build-nginx.j2); here is when it runs, and how its
archive gets to the other hosts. Compilers stay on the builder.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from pyinfra import host, logger, state
from pyinfra.api import FileUploadCommand, FunctionCommand, Host, State, StringCommand, deploy, operation
from pyinfra.api.exceptions import OperationError

from deploys import artifacts, releases
from deploys.facts.files import MissingPaths
from deploys.facts.nginx_build import BuildStatus, NginxBuild, Platform
from deploys.site import site_of
from headend.artifact import Artifact

MODULES = Path(__file__).parent.parent / "nginx_modules"
PATCHES = MODULES / "rtmp-patches"
SRT = MODULES / "srt"

# Archives on their way from a builder to other hosts, on the operator's machine.
CACHE = Path(".cache/nginx")

ShipCommands: TypeAlias = Generator[StringCommand | FileUploadCommand | FunctionCommand, None, None]


@deploy("Build nginx")
def build() -> None:
    """Build nginx on this host, if it is a builder, when an input of the build changed.

    To be called for every host: pyinfra keeps the order of operations between two hosts only through an operation that
    both have, and no host may install nginx before the builder has built it.
    """
    here = site_of(host)
    prefix = here.layout.prefix
    script = f"{prefix}/builder/build-nginx"
    options = build_options(host, prefix)
    builds = "builder" in here.roles
    if builds:
        sources = source_list(prefix, host.data.get("nginx_source_urls") or ())
        artifacts.place(
            name="Place the build script, the patches and the SRT module",
            artifacts=(*here.under(f"{prefix}/builder/"), *patch_artifacts(prefix), *srt_artifacts(prefix), *sources),
        )
    compile_nginx(name="Compile nginx when an input changed", script=script, options=options, builds=builds)
    if builds and host.data.get("remove_toolchain"):
        remove_toolchain(name="Remove the compiler", script=script, options=options)


@deploy("Install nginx")
def install_nginx() -> None:
    """Install the builder's newest nginx on this host and make it the current one; what runs keeps running."""
    root = f"{site_of(host).layout.prefix}/nginx"
    install(name="Install the release of nginx", root=root)
    switch(name="Switch to the release of nginx", root=root)
    releases.prune(name="Keep the current and the previous nginx", root=root)


@operation()
def compile_nginx(script: str, options: Sequence[str], builds: bool) -> ShipCommands:
    """Run the build script when its answer to `status` is that a build is due.

    + script: path of the script on the host
    + options: its options
    + builds: whether this host is a builder; any other waits here for the builders
    """
    if not builds:
        host.noop("the builder builds")
        return
    status = host.get_fact(NginxBuild, script=script, options=options)
    if status.due is None:
        host.noop(f"build {status.build_id} has today's inputs")
        if status.stale:
            host.log(f"nginx {status.build_id} is built from stale sources.", logger.warning)
        return
    yield StringCommand(f"{shlex.join((script, 'build', *options))} >/dev/null")


@operation()
def remove_toolchain(script: str, options: Sequence[str]) -> ShipCommands:
    """Remove exactly the packages that a build installed.

    + script: path of the script on the host
    + options: its options
    """
    if not host.get_fact(NginxBuild, script=script, options=options).toolchain:
        host.noop("no build has left packages here")
        return
    yield StringCommand(shlex.join((script, "remove-toolchain", *options)))


@operation()
def install(root: str) -> ShipCommands:
    """Unpack the builder's newest release into <root>/releases/<build id>, whole or not at all.

    + root: folder of nginx's releases
    """
    builder = builder_of(host)
    status = status_of(builder)
    if not status.build_id:
        # In the dry run of a bare builder the build comes first; in a deploy it has failed.
        yield StringCommand(f"echo {shlex.quote(f'{builder.name} has built no nginx.')} >&2; false")
        return
    folder = f"{root}/releases/{status.build_id}"
    if not host.get_fact(MissingPaths, paths=(f"{folder}/BUILD.json",)):
        host.noop(f"nginx {status.build_id} is installed")
        return
    archive = status.archive
    if builder is not host:
        local = CACHE / Path(status.archive).name
        archive = host.get_temp_filename(local.name)
        yield FunctionCommand(fetch, (builder.name, status, str(local)), {})
        yield FileUploadCommand(str(local.resolve()), archive)
    yield StringCommand(unpack_script(archive, status.sha256, folder))
    if builder is not host:
        yield StringCommand(f"rm -f {shlex.quote(archive)}")


@operation()
def switch(root: str) -> ShipCommands:
    """Point <root>/current at the builder's newest release.

    + root: folder of nginx's releases
    """
    build_id = status_of(builder_of(host)).build_id or "the-one-to-come"
    yield from releases.switch._inner(root=root, release_id=build_id)


def builder_of(target: Host) -> Host:
    """The builder for a host: itself, or the first with the same Debian release and architecture.

    Raises OperationError when the inventory has none.
    """
    builders = state.inventory.get_group("builder", [])
    if target in builders:
        return target
    platform = target.get_fact(Platform)
    for builder in builders:
        if builder.get_fact(Platform) == platform:
            return builder
    raise OperationError(f"{target.name}: no builder of {platform}. Put a host of it in the group builder.")


def status_of(builder: Host) -> BuildStatus:
    """The newest build of a builder, right now."""
    prefix = str(builder.data.get("prefix"))
    return builder.get_fact(NginxBuild, script=f"{prefix}/builder/build-nginx", options=build_options(builder, prefix))


def fetch(state: State, host: Host, builder_name: str, status: BuildStatus, to: str) -> bool:
    """Fetch a builder's archive to the operator's machine, unless it is there; false when it is not what was built."""
    path = Path(to)
    if path.exists() and sha256(path.read_bytes()).hexdigest() == status.sha256:
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    builder = state.inventory.get_host(builder_name)
    incoming = path.with_name(f"{path.name}.{host.name.replace('/', '_')}")
    try:
        builder.get_file(status.archive, str(incoming), remote_temp_filename=builder.get_temp_filename(to))
        if sha256(incoming.read_bytes()).hexdigest() == status.sha256:
            incoming.replace(path)
            return True
    finally:
        incoming.unlink(missing_ok=True)
    host.log(f"{status.archive} from {builder_name} is not what was built there. Nothing was installed.", logger.error)
    return False


def unpack_script(archive: str, digest: str, folder: str) -> str:
    """Shell that verifies an archive and unpacks it to a folder that appears only when complete."""
    archive, new, folder = (shlex.quote(path) for path in (archive, f"{folder}.new", folder))
    steps = (
        "umask 022",
        f"echo '{digest}  '{archive} | sha256sum --check --quiet",
        f"rm -rf {new}",
        f"mkdir -p {new}",
        f"tar --extract --gzip --no-same-owner --file {archive} --directory {new}",
        f"mv -T {new} {folder}",
    )
    return " && ".join(steps)


def build_options(builder: Host, prefix: str) -> tuple[str, ...]:
    """Options of the build script that a builder's data ask for."""
    options = ("--allow-stale-sources",) if builder.data.get("allow_stale_sources") is True else ()
    if builder.data.get("nginx_source_urls"):
        options = (*options, "--source-list", f"{prefix}/builder/source-list")
    return options


def patch_artifacts(prefix: str) -> tuple[Artifact, ...]:
    """Our patches to the RTMP module, and the series that orders them."""
    files = sorted(path for path in PATCHES.iterdir() if path.suffix == ".patch" or path.name == "series")
    return tuple(Artifact(path=f"{prefix}/builder/rtmp-patches/{path.name}", text=path.read_text()) for path in files)


def srt_artifacts(prefix: str) -> tuple[Artifact, ...]:
    """The sources of the SRT module; the script compiles those that its `config` names."""
    files = sorted(path for path in SRT.iterdir() if path.name == "config" or path.suffix in (".c", ".h"))
    return tuple(Artifact(path=f"{prefix}/builder/srt/{path.name}", text=path.read_text()) for path in files)


def source_list(prefix: str, lines: Sequence[str]) -> tuple[Artifact, ...]:
    """The list of source archives, "URL SHA256 nginx|rtmp" each, that replaces Debian's packages; none by default."""
    text = "".join(f"{line}\n" for line in lines)
    return (Artifact(path=f"{prefix}/builder/source-list", text=text),) if lines else ()
