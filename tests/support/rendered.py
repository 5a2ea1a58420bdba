"""A rendered origin in a folder of this machine: the product's own files, with other paths and ports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from headend.layout import Layout
from headend.model.spec import Spec
from headend.nginx import CREDENTIALS
from headend.render import render_role
from tests.support.ingest_nginx import free_port


def layout_in(folder: Path) -> Layout:
    """A layout whose paths lie below a folder and whose ports are free right now."""
    return Layout(
        prefix=f"{folder}/opt",
        config_dir=f"{folder}/etc",
        state_dir=f"{folder}/state",
        media_root=f"{folder}/media",
        recordings_root=f"{folder}/recordings",
        run_dir=f"{folder}/run",
        web_address="127.0.0.1",
        web_http_port=free_port(),
        stat_port=free_port(),
        srt_stat_port=free_port(),
        hooks_port=free_port(),
    )


def place(spec: Spec, layout: Layout, roles: Iterable[str], nginx: Path | None = None) -> None:
    """Write what the roles have below the layout's configuration folder, and the folders that tmpfiles.d would make."""
    for artifact in (artifact for role in roles for artifact in render_role(spec, layout, role)):
        if artifact.path.startswith(layout.config_dir):
            path = Path(artifact.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artifact.text.replace(CREDENTIALS, f"{layout.config_dir}/credentials"))
            path.chmod(int(artifact.mode, 8))
    master = Path(layout.config_dir, "credentials", "master")
    master.parent.mkdir(parents=True)
    master.write_text("a master secret of this test, no other" + "\n")
    master.chmod(0o600)
    for folder in ("ingest/publish", "srt", "web"):
        Path(layout.run_dir, folder).mkdir(parents=True)
    for stream in spec.streams:
        for rung in spec.ladders[stream.ladder].rungs:
            Path(layout.media_root, "hls", stream.slug, rung.name).mkdir(parents=True)
    if nginx:
        Path(layout.prefix, "nginx").mkdir(parents=True)
        Path(layout.prefix, "nginx", "current").symlink_to(nginx)
