"""Which commands on which facts; a host that is as wanted gets none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pyinfra.facts.deb import DebPackages

from deploys import artifacts, kernel, packages, releases, users
from deploys.activate import digest
from deploys.facts.applied import Applied, AppliedHashes
from deploys.facts.files import FolderNames, MissingPaths, MissingUsers, Placed, PlacedFiles
from deploys.facts.kernel import KernelNumber
from deploys.facts.releases import ReleaseFolders, Releases
from deploys.facts.units import LiveStreams
from deploys.site import Site
from group_data import all as data
from headend.artifact import Artifact
from headend.layout import Layout

CONF = Artifact(path="/etc/headend/nginx/web.conf", text="events {}\n")
SCRIPT = Artifact(path="/etc/headend/streams/demo/encode", text="#!/bin/sh\n", mode="0755")
UNIT = Artifact(path="/etc/systemd/system/ffmpeg@.service", text="[Unit]\n")
STREAMS = "/etc/headend/streams"
LADDERS = "/etc/headend/ladders"
APP = "/opt/headend/app"


def place(*files: Artifact, **placed: Placed) -> dict[str, Any]:
    """Facts and arguments: these files are wanted, and those lie there."""
    lying = {file.path: placed.get(name, Placed.of(file)) for name, file in zip("abc", files, strict=False)}
    return {"facts": {PlacedFiles: lying}, "operation": artifacts.place, "artifacts": files}


def unpack(*files: Artifact) -> list[str]:
    """The two commands that place these files."""
    paths = " ".join(file.path for file in files)
    return [
        "upload /tmp/upload",
        "umask 022; tar --extract --preserve-permissions --touch --no-overwrite-dir --directory / --file /tmp/upload"
        f' && for path in {paths}; do mv -fT "$path.headend-new" "$path" || exit 1; done && rm -f /tmp/upload',
    ]


OTHER_TEXT = Placed(sha256="0", mode="644", owner="root", group="root")
OTHER_MODE = Placed(sha256=Placed.of(SCRIPT).sha256, mode="644", owner="root", group="root")
OTHER_OWNER = Placed(sha256=Placed.of(CONF).sha256, mode="644", owner="deploy", group="root")

CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("files_as_rendered_noop", place(CONF, SCRIPT), []),
    ("files_other_text", place(CONF, SCRIPT, a=OTHER_TEXT), unpack(CONF)),
    ("files_other_mode", place(CONF, SCRIPT, b=OTHER_MODE), unpack(SCRIPT)),
    ("files_other_owner", place(CONF, a=OTHER_OWNER), unpack(CONF)),
    ("files_two_in_one_archive", place(CONF, SCRIPT, a=OTHER_TEXT, b=OTHER_MODE), unpack(CONF, SCRIPT)),
    ("files_unit_reloads_systemd", place(UNIT, a=OTHER_TEXT), [*unpack(UNIT), "systemctl daemon-reload"]),
    (
        "files_missing",
        {"operation": artifacts.place, "facts": {PlacedFiles: {}}, "artifacts": (CONF,)},
        unpack(CONF),
    ),
    (
        "streams_all_in_spec_noop",
        {"operation": artifacts.remove_dropped_streams, "facts": {FolderNames: ["a", "b"]}, "slugs": ("a", "b", "c")},
        [],
    ),
    (
        "streams_dropped",
        {
            "operation": artifacts.remove_dropped_streams,
            "facts": {FolderNames: ["a", "old"], LiveStreams: ["a"]},
            "slugs": ("a",),
        },
        [f"systemctl stop -- ffmpeg@old.service && rm -rf -- {STREAMS}/old"],
    ),
    (
        "streams_dropped_but_live_noop",
        {
            "operation": artifacts.remove_dropped_streams,
            "facts": {FolderNames: ["a", "old"], LiveStreams: ["old"]},
            "slugs": ("a",),
        },
        [],
    ),
    (
        "streams_dropped_but_nobody_knows_who_is_live_noop",
        {
            "operation": artifacts.remove_dropped_streams,
            "facts": {FolderNames: ["a", "old"], LiveStreams: None},
            "slugs": ("a",),
        },
        [],
    ),
    (
        "streams_dropped_on_a_web_host",
        {
            "operation": artifacts.remove_dropped_streams,
            "facts": {FolderNames: ["a", "old"]},
            "slugs": ("a",),
            "stat_port": None,
        },
        [f"systemctl stop -- ffmpeg@old.service && rm -rf -- {STREAMS}/old"],
    ),
    (
        "ladders_all_in_spec_noop",
        {
            "operation": artifacts.remove_dropped_ladders,
            "facts": {FolderNames: ["default"]},
            "ladders_dir": LADDERS,
            "ladders": ("default", "small"),
        },
        [],
    ),
    (
        "ladders_dropped",
        {
            "operation": artifacts.remove_dropped_ladders,
            "facts": {FolderNames: ["default", "old", "older"]},
            "ladders_dir": LADDERS,
            "ladders": ("default",),
        },
        [f"rm -rf -- {LADDERS}/old {LADDERS}/older"],
    ),
    (
        "packages_installed_noop",
        {"operation": packages.install, "facts": {DebPackages: {"curl": ["1"]}}, "packages": ("curl",)},
        [],
    ),
    (
        "packages_missing_refresh_the_index_first",
        {"operation": packages.install, "facts": {DebPackages: {"curl": ["1"]}}, "packages": ("curl", "ffmpeg")},
        [
            "apt-get update -qq -o Acquire::Retries=3",
            "DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends"
            " -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold ffmpeg",
        ],
    ),
    ("kernel_allows_enough_noop", {"operation": kernel.raise_limits, "facts": {KernelNumber: 4194304}}, []),
    ("kernel_allows_more_noop", {"operation": kernel.raise_limits, "facts": {KernelNumber: 67108864}}, []),
    ("kernel_of_a_container_noop", {"operation": kernel.raise_limits, "facts": {KernelNumber: None}}, []),
    (
        "kernel_of_debian_12",
        {"operation": kernel.raise_limits, "facts": {KernelNumber: 212992}},
        ["/lib/systemd/systemd-sysctl /etc/sysctl.d/60-headend.conf"],
    ),
    ("users_exist_noop", {"operation": users.create_users, "facts": {MissingUsers: []}}, []),
    (
        "users_one_missing",
        {"operation": users.create_users, "facts": {MissingUsers: ["headend-web"]}},
        ["systemd-sysusers /etc/sysusers.d/headend.conf"],
    ),
    (
        "release_is_current_noop",
        {
            "operation": releases.switch,
            "facts": {ReleaseFolders: Releases(current="releases/b")},
            "root": APP,
            "release_id": "b",
        },
        [],
    ),
    (
        "release_first",
        {"operation": releases.switch, "facts": {ReleaseFolders: Releases()}, "root": APP, "release_id": "b"},
        [f"ln -sfn -- releases/b {APP}/current.new && mv -fT -- {APP}/current.new {APP}/current"],
    ),
    (
        "release_next_keeps_the_previous_first",
        {
            "operation": releases.switch,
            "facts": {ReleaseFolders: Releases(current="releases/a")},
            "root": APP,
            "release_id": "b",
        },
        [
            f"ln -sfn -- releases/a {APP}/previous.new && mv -fT -- {APP}/previous.new {APP}/previous",
            f"ln -sfn -- releases/b {APP}/current.new && mv -fT -- {APP}/current.new {APP}/current",
        ],
    ),
    (
        "releases_two_kept_noop",
        {
            "operation": releases.prune,
            "facts": {ReleaseFolders: Releases(current="releases/b", previous="releases/a", names=("a", "b"))},
            "root": APP,
        },
        [],
    ),
    (
        "releases_older_and_unfinished_removed",
        {
            "operation": releases.prune,
            "facts": {
                ReleaseFolders: Releases(current="releases/c", previous="releases/b", names=("a", "b", "c", "d"))
            },
            "root": APP,
        },
        [f"rm -rf -- {APP}/releases/a {APP}/releases/d"],
    ),
]


@pytest.mark.parametrize("case,expected", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_commands(run_operation: Callable[..., Any], case: dict[str, Any], expected: list[str]) -> None:
    arguments = dict(case)
    operation, facts = arguments.pop("operation"), arguments.pop("facts")
    if operation is artifacts.remove_dropped_streams:
        arguments = {"streams_dir": STREAMS, "stat_port": 8081} | arguments
    run = run_operation(operation, facts, **arguments)
    assert run.commands == expected
    assert bool(run.said) or bool(expected)  # doing nothing has a reason


TMPFILES = Artifact(path=users.TMPFILES, text="d /srv/headend/media\n")
SITE = Site(roles=("ingest",), layout=Layout.from_data(vars(data)), slugs=("demo",), artifacts=(TMPFILES,))
AS_BEFORE = Applied(restart=digest((TMPFILES,)))

FOLDERS = [
    ("as_before_noop", AS_BEFORE, [], []),
    ("new_file", Applied(restart="0"), [], ["create", "remember"]),
    ("folder_missing", AS_BEFORE, ["/srv/headend/media/hls/demo"], ["create", "remember"]),
]


@pytest.mark.parametrize("applied,missing,expected", [case[1:] for case in FOLDERS], ids=[case[0] for case in FOLDERS])
def test_folders(run_operation: Callable[..., Any], applied: Applied, missing: list[str], expected: list[str]) -> None:
    facts = {AppliedHashes: {"tmpfiles": applied}, MissingPaths: missing}
    run = run_operation(users.create_folders, facts, here=SITE, applied_dir="/a")
    shown = {"systemd-tmpfiles --create /etc/tmpfiles.d/headend.conf": "create"}
    assert [shown.get(command, "remember") for command in run.commands] == expected


def test_the_folders_of_recordings_are_looked_for_only_where_something_is_recorded(
    run_operation: Callable[..., Any],
) -> None:
    asked: list[str] = []

    def missing(paths: tuple[str, ...]) -> list[str]:
        asked.extend(paths)
        return []

    facts = {AppliedHashes: {"tmpfiles": AS_BEFORE}, MissingPaths: missing}
    run_operation(users.create_folders, facts, here=SITE, applied_dir="/a")
    assert not [path for path in asked if "recordings" in path]
    run_operation(users.create_folders, facts, here=replace(SITE, records=True), applied_dir="/a")
    assert {"/srv/headend/recordings/buffer", "/srv/headend/recordings/kept"} <= set(asked)
