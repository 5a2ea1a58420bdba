"""A client of the store that knows what it is told and nothing else: no environment, no files, no metadata service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.configprovider import ConfigValueStore, ConstantProvider
from botocore.loaders import Loader

from headend.model.recordings import Archive

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CONNECT_SECONDS = 5
READ_SECONDS = 60
SENT_SECONDS = 300
"""For the answer to what was sent: on a slow line most of it is still in this host's buffers when it is written."""
ATTEMPTS = 3
"""Of a request, before the sentence; the archiver tries again much later."""

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Debian's: an own CA that the host trusts is trusted here. Where there is none, botocore's list."""


def client_of(archive: Archive, secret: str, read_seconds: int = READ_SECONDS) -> S3Client:
    """A client for many threads. It asks the network nothing until it is used."""
    session = boto3.session.Session(
        aws_access_key_id=archive.access_key_id,
        aws_secret_access_key=secret,
        region_name=archive.region,
        botocore_session=_bare_session(),
    )
    config = Config(
        signature_version="s3v4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=archive.parallel_parts + 2,
        s3={"addressing_style": archive.addressing},
        proxies={},
        request_checksum_calculation="when_supported" if archive.checksums == "always" else "when_required",
        # Some stores answer a range with the checksum of the whole; we compare hashes ourselves.
        response_checksum_validation="when_required",
    )
    return session.client(
        "s3",
        endpoint_url=archive.endpoint,
        verify=str(AUTHORITIES) if AUTHORITIES.exists() else None,
        config=config,
    )


def _bare_session() -> botocore.session.Session:
    """Every setting that botocore would look up somewhere is its default."""
    session = botocore.session.Session()
    settings = {name: ConstantProvider(value=default[2]) for name, default in session.SESSION_VARIABLES.items()}
    for name in ("config_file", "credentials_file"):
        settings[name] = ConstantProvider(value=os.devnull)
    settings["ignore_configured_endpoint_urls"] = ConstantProvider(value=True)
    session.register_component("config_store", ConfigValueStore(mapping=settings))
    session.register_component(
        "data_loader", Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    )
    return session
