"""When a build runs, and how its archive gets to a host."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyinfra.api.exceptions import OperationError

from deploys import builder
from deploys.facts.nginx_build import BuildStatus, NginxBuild

OPTIONS = ("--allow-stale-sources",)
SCRIPT = "/opt/headend/builder/build-nginx"
BUILT = BuildStatus(due=None, build_id="b1", archive="/var/lib/headend/builder/a.tar.gz", sha256="00")
WITH_TOOLS = BuildStatus(due=None, build_id="b1", toolchain=("gcc", "make"))
STALE = BuildStatus(due=None, build_id="b1", stale=True)

CASES: list[tuple[str, Any, BuildStatus, list[str]]] = [
    ("build_has_todays_inputs_noop", builder.compile_nginx, BUILT, []),
    ("build_stale_but_allowed_noop", builder.compile_nginx, STALE, []),
    ("build_first", builder.compile_nginx, BuildStatus(), [f"{SCRIPT} build --allow-stale-sources >/dev/null"]),
    ("toolchain_was_there_before_noop", builder.remove_toolchain, BUILT, []),
    ("toolchain_left", builder.remove_toolchain, WITH_TOOLS, [f"{SCRIPT} remove-toolchain --allow-stale-sources"]),
]


@pytest.mark.parametrize("operation, status, commands", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_commands(run_operation: Callable[..., Any], operation: Any, status: BuildStatus, commands: list[str]) -> None:
    more = {"builds": True} if operation is builder.compile_nginx else {}
    run = run_operation(operation, {NginxBuild: status}, script=SCRIPT, options=OPTIONS, **more)
    assert run.commands == commands


def test_a_host_that_is_no_builder_only_waits(run_operation: Callable[..., Any]) -> None:
    assert run_operation(builder.compile_nginx, {}, script=SCRIPT, options=(), builds=False).commands == []


def test_a_stale_build_is_said_on_every_deploy(run_operation: Callable[..., Any]) -> None:
    run = run_operation(builder.compile_nginx, {NginxBuild: STALE}, script=SCRIPT, options=(), builds=True)
    assert "nginx b1 is built from stale sources." in run.said


@pytest.mark.parametrize(
    "data, options",
    [
        ({}, ()),
        ({"allow_stale_sources": False}, ()),
        ({"allow_stale_sources": True}, ("--allow-stale-sources",)),
        ({"nginx_source_urls": ["u s nginx"]}, ("--source-list", "/opt/headend/builder/source-list")),
    ],
)
def test_options(data: dict[str, Any], options: tuple[str, ...]) -> None:
    assert builder.build_options(SimpleNamespace(data=data), "/opt/headend") == options  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "output, status",
    [
        ([], BuildStatus()),
        (['{"due": "an input changed", "last": null, "toolchain": []}'], BuildStatus(due="an input changed")),
        (['{"due": null, "last": {"build_id": "b1", "stale": true}, "toolchain": []}'], STALE),
        (
            ['{"due": null, "last": {"build_id": "b1"}, "toolchain": ["gcc", "make"]}'],
            WITH_TOOLS,
        ),
    ],
)
def test_the_fact_reads_what_the_script_says(output: list[str], status: BuildStatus) -> None:
    assert NginxBuild().process(output) == status


def test_the_series_names_every_patch() -> None:
    texts = {Path(artifact.path).name: artifact.text for artifact in builder.patch_artifacts("/opt/headend")}
    assert sorted(texts.pop("series").split()) == sorted(texts)
    assert all(text.startswith("Description: ") and "\nForwarded: " in text for text in texts.values())


def test_every_source_that_the_srt_module_names_is_shipped() -> None:
    texts = {Path(artifact.path).name: artifact.text for artifact in builder.srt_artifacts("/opt/headend")}
    named = set(re.findall(r"\$ngx_addon_dir/(\w+\.[ch])", texts.pop("config")))
    assert named == set(texts)


class Inventory:
    """Builders and one other host, by platform."""

    def __init__(self, here: str, **builders: str) -> None:
        self.target = self.host("target", here)
        self.builders = [self.host(name, platform) for name, platform in builders.items()]

    @staticmethod
    def host(name: str, platform: str) -> Any:
        return SimpleNamespace(name=name, get_fact=lambda fact: platform)

    def get_group(self, name: str, default: list[Any]) -> list[Any]:
        return self.builders if name == "builder" else default


def test_a_host_gets_the_build_of_its_own_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = Inventory("trixie amd64", old="bookworm amd64", new="trixie amd64")
    monkeypatch.setattr(builder, "state", SimpleNamespace(inventory=inventory))
    assert builder.builder_of(inventory.target).name == "new"


def test_a_host_without_a_builder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = Inventory("trixie arm64", old="bookworm amd64")
    monkeypatch.setattr(builder, "state", SimpleNamespace(inventory=inventory))
    with pytest.raises(
        OperationError, match=r"^target: no builder of trixie arm64\. Put a host of it in the group builder\.$"
    ):
        builder.builder_of(inventory.target)


@pytest.mark.parametrize("sent, kept", [(b"archive", True), (b"archivf", False)])
def test_an_archive_that_changed_on_the_way_is_dropped(tmp_path: Path, sent: bytes, kept: bool) -> None:
    said: list[str] = []
    source = SimpleNamespace(
        get_file=lambda remote, local, **_: Path(local).write_bytes(sent), get_temp_filename=lambda key: "/tmp/x"
    )
    state = SimpleNamespace(inventory=SimpleNamespace(get_host=lambda name: source))
    target = SimpleNamespace(name="@ssh/web", log=lambda message, how: said.append(message))
    status = BuildStatus(archive="/a.tar.gz", sha256=sha256(b"archive").hexdigest())
    to = tmp_path / "cache" / "a.tar.gz"
    assert builder.fetch(state, target, "b", status, str(to)) is kept  # type: ignore[arg-type]
    assert [path.name for path in to.parent.iterdir()] == (["a.tar.gz"] if kept else [])
    assert said == ([] if kept else ["/a.tar.gz from b is not what was built there. Nothing was installed."])
