"""Where things lie on a host. The values are the sysadmin's and come from group_data; here are only their names."""

from __future__ import annotations

from collections.abc import Mapping

from headend.model.base import Model


class Layout(Model):
    """Paths, ports and users of a host, as group_data/all.py states them."""

    prefix: str
    """Releases of nginx and of the hook app: <prefix>/nginx/current, <prefix>/app/current."""
    config_dir: str
    """Rendered configuration: <config_dir>/nginx/ingest.conf, <config_dir>/streams/<slug>/encode."""
    state_dir: str
    """Database of the hook app, applied hashes and build artifacts."""
    media_root: str
    """Segments and playlists: <media_root>/hls/<slug>/<rendition>/index.m3u8. Outside any site's web root."""
    run_dir: str = "/run/headend"
    """Process ids and temporary files; emptied at boot."""
    web_address: str
    """Address nginx@web listens on."""
    web_http_port: int
    stat_port: int
    """Loopback port of nginx-rtmp's stat and control pages."""
    hooks_port: int
    """Loopback port of the hook app."""

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> Layout:
        """Pick the layout's own names out of a host's data; everything else there is somebody else's."""
        return cls.model_validate({name: data[name] for name in cls.model_fields if name in data})
