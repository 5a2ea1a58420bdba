"""Where things lie on a host. The values are the sysadmin's and come from group_data; here are only their names."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import field_validator

from headend.database import Server, server_of
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
    recordings_root: str = "/srv/headend/recordings"
    """What is recorded: <recordings_root>/buffer while nginx writes it, <recordings_root>/kept afterwards. It may be a
    disk of its own; outside any web root."""
    run_dir: str = "/run/headend"
    """Process ids, temporary files, and what programs tell each other; emptied at boot."""
    web_address: str
    """Address nginx@web listens on."""
    web_http_port: int
    stat_port: int
    """Loopback port of nginx-rtmp's stat and control pages."""
    srt_stat_port: int
    """Loopback port of nginx@srt's stat page."""
    hooks_port: int
    """Loopback port of the hook app."""
    database_url: str = ""
    """PostgreSQL for several hosts, as a SQLAlchemy URL without a password; empty: SQLite in state_dir."""

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, url: str) -> str:
        server_of(url)
        return url

    @property
    def database_server(self) -> Server | None:
        """The PostgreSQL server; None for SQLite."""
        return server_of(self.database_url)

    @property
    def needs_database_password(self) -> bool:
        """Whether the server is reached over a network, so that the credential `database` must be there."""
        server = self.database_server
        return server is not None and server.host is not None

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> Layout:
        """Pick the layout's own names out of a host's data; everything else there is somebody else's."""
        return cls.model_validate({name: data[name] for name in cls.model_fields if name in data})
