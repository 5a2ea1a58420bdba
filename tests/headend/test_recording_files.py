"""Do the files of an origin that records say so, and those of one that does not, nothing of it?"""

from __future__ import annotations

import pytest

from headend.model.recordings import Recordings
from headend.model.spec import Site, Spec, Stream
from headend.render import render_role
from tests.headend.house import LAYOUT

INGEST = "/etc/headend/nginx/ingest.conf"
DROP_IN = "/etc/systemd/system/nginx@ingest.service.d/recording.conf"
TMPFILES = "/etc/tmpfiles.d/headend.conf"


def files(record: bool, **streams: str) -> dict[str, str]:
    """The files of an ingest whose streams say so."""
    spec = Spec.model_validate(
        {
            "site": Site(public_url="https://live.example.org"),
            "streams": tuple(Stream.model_validate({"slug": s, "title": s, "record": r}) for s, r in streams.items()),
            "recordings": Recordings(record=record, part_minutes=10, part_mib=512, reserve_mib=1024),
        }
    )
    return {artifact.path: artifact.text for artifact in render_role(spec, LAYOUT, "ingest")}


def directives(text: str) -> list[str]:
    """What the configuration says about recording."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("record")]


def test_where_nothing_is_recorded_nothing_is_said_of_it() -> None:
    texts = files(False, one="site", two="never")
    assert directives(texts[INGEST]) == ["record off;"]
    assert DROP_IN not in texts
    assert LAYOUT.recordings_root not in texts[TMPFILES]


def test_nginx_records_into_the_buffer_in_parts_that_the_spec_sizes() -> None:
    assert directives(files(True, one="site")[INGEST]) == [
        "record all;",
        "record_path /srv/headend/recordings/buffer;",
        "record_unique on;",
        "record_suffix .flv;",
        "record_lock on;",
        "record_interval 10m;",
        "record_max_size 512m;",
        "record_min_free 1024m;",
    ]


@pytest.mark.parametrize(
    "record, streams, said",
    [
        (True, {"one": "always", "two": "site"}, []),
        (True, {"one": "never", "two": "site", "three": "never"}, ["record_except one;", "record_except three;"]),
        # Those that are made at run time are recorded, whatever the spec says of its own.
        (True, {"one": "never"}, ["record_except one;"]),
        (False, {"one": "always", "two": "site", "three": "always"}, ["record_only one;", "record_only three;"]),
        (False, {"one": "always"}, ["record_only one;"]),
    ],
)
def test_streams_that_differ_from_the_site_are_named(record: bool, streams: dict[str, str], said: list[str]) -> None:
    lines = directives(files(record, **streams)[INGEST])
    assert [line for line in lines if line.startswith(("record_only", "record_except"))] == said


def test_nginx_may_write_nothing_but_the_buffer_and_starts_without_it() -> None:
    lines = files(True, one="site")[DROP_IN].splitlines()
    assert [line for line in lines if line.startswith("Read")] == ["ReadWritePaths=-/srv/headend/recordings/buffer"]


def test_the_folders_belong_to_those_who_hand_recordings_on() -> None:
    lines = files(True, one="site")[TMPFILES].splitlines()
    assert [line for line in lines if LAYOUT.recordings_root in line] == [
        "d /srv/headend/recordings 0755 root root -",
        "d /srv/headend/recordings/buffer 2770 headend-ingest headend-archive -",
        "d /srv/headend/recordings/kept 2750 headend-archive headend-finish -",
    ]
