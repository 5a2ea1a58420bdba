"""Where the object store is: the same for a browser, for nginx and for the client that signs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from headend.model.recordings import Archive, Recordings, Replay
from headend.model.spec import Site, Spec, Stream
from headend.model.store import object_path, origin_of, replay_origin, store_origin
from headend.nginx import web
from headend.render import render_role
from headend.replay import HIDDEN, replay_names
from tests.headend.house import LAYOUT


def archive(**more: Any) -> Archive:
    known = {"bucket": "live-recordings", "access_key_id": "AKIA", "secret": "archive", **more}
    return Archive.model_validate(known)


def spec(**recordings: Any) -> Spec:
    known = {"record": True, "archive": archive(endpoint="https://s3.example.org"), **recordings}
    return Spec(
        site=Site(public_url="https://live.example.org"),
        streams=(Stream(slug="demo", title="Demo"),),
        recordings=Recordings.model_validate(known),
    )


def policy(spec: Spec) -> str:
    """The sources of media that the watch page may play."""
    text = web(spec, LAYOUT).text
    return text.partition("media-src ")[2].partition(";")[0]


@pytest.mark.parametrize("endpoint", [None, "https://s3.example.org", "http://store.example.org:9000"])
@pytest.mark.parametrize("addressing", ["path", "virtual"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1"])
@pytest.mark.parametrize("bucket", ["live-recordings", "live.recordings"])
def test_origin_and_path_are_those_that_are_signed(
    endpoint: str | None, addressing: str, region: str, bucket: str
) -> None:
    one = archive(endpoint=endpoint, addressing=addressing, region=region, bucket=bucket)
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="AKIA",
        aws_secret_access_key="no secret at all",
        config=Config(signature_version="s3v4", s3={"addressing_style": one.addressing}),
    )
    params = {"Bucket": bucket, "Key": "recordings/demo/2026/a-1.mp4"}
    signed = urlsplit(client.generate_presigned_url("get_object", Params=params, ExpiresIn=60))
    assert f"{signed.scheme}://{signed.netloc}" == store_origin(one)
    assert signed.path == object_path(one, params["Key"])


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://user:password@s3.example.org",
        "https://s3.example.org;script-src",
        "https://s3.example.org'",
        "https://$host",
        "https://s3.example.org:x",
        "https://-",
    ],
)
def test_what_is_no_host_stands_in_no_header(url: str) -> None:
    with pytest.raises(ValueError, match="names no host"):
        origin_of(url)


@pytest.mark.parametrize(
    "recordings, origin",
    [
        ({}, "https://s3.example.org"),
        ({"archive": archive(region="eu-central-1", addressing="virtual")},
         "https://live-recordings.s3.eu-central-1.amazonaws.com"),
        ({"replay": Replay(mode="public", public_url="https://vod.example.org/recordings/a")},
         "https://vod.example.org"),
        ({"replay": Replay(mode="proxied")}, None),
        ({"replay": Replay(mode="off")}, None),
        ({"archive": None}, None),
    ],
)  # fmt: skip
def test_the_watch_page_may_play_what_comes_from_the_store_and_nothing_wider(
    recordings: dict[str, Any], origin: str | None
) -> None:
    one = spec(**recordings)
    assert replay_origin(one.recordings) == origin
    assert policy(one) == "'self' blob:" + (f" {origin}" if origin else "")


def test_without_recordings_the_policy_is_as_it_was() -> None:
    assert policy(spec(record=False)) == "'self' blob:"


def test_only_where_replays_are_proxied_nginx_has_anything_of_it() -> None:
    def texts(one: Spec) -> dict[str, str]:
        return {artifact.path: artifact.text for artifact in render_role(one, LAYOUT, "web")}

    without, with_it = texts(spec()), texts(spec(replay=Replay(mode="proxied")))
    drop_in = "/etc/systemd/system/nginx@web.service.d/replay.conf"
    assert (drop_in in without, drop_in in with_it) == (False, True)
    assert f"ReadWritePaths={LAYOUT.state_dir}/replay\n" in with_it[drop_in]
    assert f"d {LAYOUT.state_dir}/replay 0700 headend-web headend-web -" in with_it["/etc/tmpfiles.d/headend.conf"]
    path = f"{LAYOUT.config_dir}/nginx/web.conf"
    assert "slice" not in without[path]
    assert "proxy_cache_path" not in without[path]
    for line in ("proxy_ssl_verify on;", "proxy_ssl_name s3.example.org;", "proxy_set_header Host s3.example.org;"):
        assert line in with_it[path]


@pytest.mark.parametrize("cache_gib", [1, 10, 1000, 10_000])
def test_the_cache_s_zone_has_room_for_every_piece(cache_gib: int) -> None:
    names = replay_names(spec(replay=Replay(mode="proxied", cache_gib=cache_gib)), LAYOUT)
    zone = names["zone_mib"]
    assert isinstance(zone, int)
    assert zone * 8000 >= cache_gib * 256
    assert zone <= max(4, cache_gib // 10)


def test_each_header_is_hidden_once() -> None:
    assert len({name.lower() for name in HIDDEN}) == len(HIDDEN)
