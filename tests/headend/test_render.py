"""Are the artifacts of a role complete, and do the roles agree?"""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Literal

import pytest

from headend.layout import Layout
from headend.model.facts import HookFacts, SrtAdmit
from headend.model.recordings import Archive, Keep, Recordings
from headend.model.spec import Ingest, Site, Spec, Srt, Stream
from headend.render import ROLES, render_role
from tests.headend.house import LAYOUT

SPEC = Spec(
    site=Site(public_url="https://live.example.org"),
    streams=(Stream(slug="one", title="One"), Stream(slug="two", title="Two")),
    ingest=Ingest(allow_publish=("203.0.113.0/24",), deny_publish=("203.0.113.7/32",)),
)


def files(role: str) -> dict[str, str]:
    return {artifact.path: artifact.text for artifact in render_role(SPEC, LAYOUT, role)}


@pytest.mark.parametrize("role", ROLES)
def test_artifacts_are_sorted_and_the_same_twice(role: str) -> None:
    once = render_role(SPEC, LAYOUT, role)
    assert once == render_role(SPEC, LAYOUT, role)
    assert [artifact.path for artifact in once] == sorted(artifact.path for artifact in once)


@pytest.mark.parametrize("one, other", list(combinations(ROLES, 2)))
def test_two_roles_agree_on_a_path(one: str, other: str) -> None:
    by_path = {artifact.path: artifact for artifact in render_role(SPEC, LAYOUT, one)}
    for artifact in render_role(SPEC, LAYOUT, other):
        assert by_path.get(artifact.path, artifact) == artifact


def test_every_stream_has_its_script_and_its_master_playlist() -> None:
    assert {"/etc/headend/streams/one/encode", "/etc/headend/streams/two/encode"} <= files("ingest").keys()
    assert {"/etc/headend/streams/one/master.m3u8", "/etc/headend/streams/two/master.m3u8"} <= files("web").keys()


def test_only_scripts_are_executable() -> None:
    artifacts = [artifact for role in ROLES for artifact in render_role(SPEC, LAYOUT, role)]
    executable = {artifact.path for artifact in artifacts if artifact.mode == "0755"}
    assert executable == {
        "/etc/headend/encode",
        "/etc/headend/end-playlists",
        "/etc/headend/ladders/default/encode",
        "/etc/headend/streams/one/encode",
        "/etc/headend/streams/two/encode",
        "/opt/headend/builder/build-nginx",
        "/usr/local/bin/headend",
        "/usr/local/bin/headend-backup",
        "/usr/local/bin/headend-ctl",
        "/usr/local/bin/headend-key",
        "/usr/local/bin/headend-token",
    }


RECORDED = SPEC.model_copy(update={"recordings": Recordings(record=True)})
ARCHIVED = SPEC.model_copy(
    update={
        "recordings": Recordings(
            record=True,
            archive=Archive(bucket="live-recordings", access_key_id="A", secret="store"),
            keep=Keep(prune_at="04:15"),
        )
    }
)
SERVER = "postgresql+psycopg://headend@192.0.2.7/headend"


def test_nothing_of_recordings_is_where_nothing_is_recorded() -> None:
    paths = [artifact.path for role in ROLES for artifact in render_role(SPEC, LAYOUT, role)]
    assert not [path for path in paths if "archive" in path or "prune" in path]
    texts = files("control") | files("ingest")
    assert "UMask=0077" in texts["/etc/systemd/system/headend-hooks.service"]
    assert "d /var/lib/headend/hooks 0750 headend-hooks" in texts["/etc/tmpfiles.d/headend.conf"]
    assert "headend-archive" not in texts["/etc/polkit-1/rules.d/50-headend.rules"]


def test_who_records_has_an_archiver_its_facts_and_its_timer() -> None:
    texts = {artifact.path: artifact.text for artifact in render_role(ARCHIVED, LAYOUT, "control")}
    unit = texts["/etc/systemd/system/headend-archive.service"]
    assert "LoadCredential=archive:/etc/headend/credentials/archive-store\n" in unit
    assert "OnCalendar=*-*-* 04:15:00\n" in texts["/etc/systemd/system/headend-prune.timer"]
    assert HookFacts.model_validate_json(texts["/etc/headend/archiver.json"]).recordings is not None
    assert "archive" in texts["/usr/local/bin/headend"]
    assert "/usr/local/bin/headend-archive" in texts


def test_the_archiver_without_an_archive_gets_no_secret() -> None:
    texts = {artifact.path: artifact.text for artifact in render_role(RECORDED, LAYOUT, "control")}
    assert "LoadCredential" not in texts["/etc/systemd/system/headend-archive.service"]


def test_only_a_database_in_a_file_is_shared_by_its_folder() -> None:
    server = Layout.from_data({**LAYOUT.model_dump(), "database_url": SERVER})
    for layout, mode, umask, groups in (
        (LAYOUT, "2770", "0007", "headend-hooks headend-finish"),
        (server, "0750", "0077", "headend-finish"),
    ):
        texts = {artifact.path: artifact.text for artifact in render_role(RECORDED, layout, "control")}
        assert f"d /var/lib/headend/hooks {mode} headend-hooks" in texts["/etc/tmpfiles.d/headend.conf"]
        assert f"UMask={umask}\n" in texts["/etc/systemd/system/headend-hooks.service"]
        unit = texts["/etc/systemd/system/headend-archive.service"]
        assert f"SupplementaryGroups={groups}\n" in unit
        assert ("LoadCredential=database:" in unit) is (layout is server)
        assert ("ReadWritePaths=/var/lib/headend/hooks\n" in unit) is (layout is LAYOUT)


def test_denied_networks_come_before_allowed_ones() -> None:
    text = files("ingest")["/etc/headend/nginx/ingest.conf"]
    rules = [line.strip() for line in text.splitlines() if line.strip().startswith(("allow publish", "deny publish"))]
    assert rules == ["deny publish 203.0.113.7/32;", "allow publish 203.0.113.0/24;", "deny publish all;"]


@pytest.mark.parametrize(
    "site, streams, expected",
    [
        ("encrypted", ("site", "encrypted"), "on"),
        ("any", ("encrypted", "encrypted"), "off"),  # a stream that is made at run time admits as the site does
        ("encrypted", ("site", "signed"), "off"),
    ],
)
def test_every_caller_must_encrypt_only_where_no_stream_can_admit_another(
    site: SrtAdmit, streams: tuple[Literal["site"] | SrtAdmit, ...], expected: str
) -> None:
    spec = SPEC.model_copy(
        update={
            "ingest": Ingest(srt=Srt(admit=site)),
            "streams": tuple(Stream(slug=f"s{i}", title="S", srt_admit=way) for i, way in enumerate(streams)),
        }
    )
    texts = {artifact.path: artifact.text for artifact in render_role(spec, LAYOUT, "ingest")}
    assert f"enforced_encryption {expected};" in texts["/etc/headend/nginx/srt.conf"]


@pytest.mark.parametrize("latency_ms", [20, 120, 400, 4000, 8000])
def test_a_caller_of_twenty_megabits_has_room_for_the_latency_and_a_stalled_remuxer(latency_ms: int) -> None:
    spec = SPEC.model_copy(update={"ingest": Ingest(srt=Srt(latency_ms=latency_ms))})
    texts = {artifact.path: artifact.text for artifact in render_role(spec, LAYOUT, "ingest")}
    words = dict(re.findall(r"^ +(\w+) (\d+)[ks]?;", texts["/etc/headend/nginx/srt.conf"], re.MULTILINE))
    packets, slots_kib = int(words["flight_window"]), int(words["receive_buffer"])
    seconds = latency_ms / 1000 + int(words["pass_send_timeout"])
    # Encoders send 1316 bytes in a packet, libsrt sets 1472 aside for it.
    assert packets * 1316 * 8 >= 20_000_000 * seconds
    assert slots_kib * 1024 // 1472 >= packets
    # What the module takes.
    assert packets <= 65536
    assert slots_kib <= 64 * 1024


def test_the_hook_app_reads_its_facts() -> None:
    text = files("control")["/etc/headend/hooks_app.json"]
    facts = HookFacts.model_validate_json(text)
    assert [stream.slug for stream in facts.streams] == ["one", "two"]
    assert facts.streams[0].playlist == "https://live.example.org/streams/one/index.m3u8"
    assert facts.streams_dir == "/run/headend/streams"
    assert json.loads(text)["database_url"] == "sqlite:////var/lib/headend/hooks/state.sqlite3"


@pytest.mark.parametrize("role", ["ingest", "control", "web"])
def test_every_file_says_that_it_is_generated(role: str) -> None:
    for path, text in files(role).items():
        if not path.endswith((".json", ".m3u8", "healthz")):
            assert "Generated by Headend from templates/" in "".join(text.splitlines()[:2]), path
