"""A host's groups become its roles and files; what cannot work is refused in one line before any host changes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyinfra.api.exceptions import PyinfraError

from deploys.packages import of_roles
from deploys.site import site_of
from group_data import all as group_data

DEMO = "specs/demo.yaml"
ALL = ("builder", "ingest", "control", "web")


def host(groups: tuple[str, ...], **data: Any) -> Any:
    """A host of the inventory."""
    values = {name: value for name, value in vars(group_data).items() if not name.startswith("__")}
    values |= {"spec": DEMO, **data}
    return SimpleNamespace(name="origin", groups=groups, data=SimpleNamespace(get=values.get, dict=lambda: values))


REFUSED = [
    (
        "no_role",
        ("database",),
        {},
        "origin: in none of the groups builder, ingest, control, web. Put it in one, in the inventory.",
    ),
    ("ingest_alone", ("ingest",), {}, "origin: ingest and control must be the same host. Put it in both groups."),
    (
        "control_alone",
        ("control", "web"),
        {},
        "origin: ingest and control must be the same host. Put it in both groups.",
    ),
    (
        "web_alone",
        ("web",),
        {},
        "origin: web on a host without ingest needs its media root. Mount it there and set media_root_shared=True.",
    ),
    (
        "layout_of_the_wrong_type",
        ALL,
        {"web_http_port": "8080"},
        "origin: data web_http_port: Input should be a valid integer. See group_data/all.py.",
    ),
    (
        "password_in_the_database_url",
        ALL,
        {"database_url": "postgresql+psycopg://headend:hunter2@db/headend"},
        "origin: data database_url: Value error, holds a password: put it into a file, and that file's name into "
        "database_password_file. See group_data/all.py.",
    ),
    ("no_spec", ALL, {"spec": None}, "origin: no spec. Give the host or its group the data spec, a path."),
]


@pytest.mark.parametrize("groups,data,line", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(groups: tuple[str, ...], data: dict[str, Any], line: str) -> None:
    with pytest.raises(PyinfraError) as error:
        site_of(host(groups, **data))
    assert str(error.value) == line


def test_faults_of_a_spec_are_all_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spec = tmp_path / "bad.yaml"
    spec.write_text("site:\n  public_url: 7\nstreams: []\nstreems: []\n")
    for _host in range(2):  # a second host of the same inventory does not list them again
        with pytest.raises(PyinfraError, match=r"bad\.yaml: \d+ fault\(s\), listed above\. No host was changed\."):
            site_of(host(ALL, spec=str(spec)))
    lines = [record.message for record in caplog.records]
    assert len(lines) == len(set(lines)) >= 3
    assert all(line.startswith(f"{spec}:") for line in lines)


def test_a_host_has_the_files_of_its_roles_each_once() -> None:
    here = site_of(host(("all", "testbed", *ALL)))
    paths = [artifact.path for artifact in here.artifacts]
    assert here.roles == ALL
    assert here.slugs == ("demo",)
    assert here.ladders == ("default",)
    assert paths == sorted(set(paths))
    assert [artifact.path for artifact in here.under("/etc/sysusers.d/")] == ["/etc/sysusers.d/headend.conf"]


def test_a_builder_has_no_unit() -> None:
    here = site_of(host(("builder",)))
    assert here.under("/etc/systemd/") == ()
    assert not here.has("ingest", "control", "web")


def test_a_web_host_may_share_the_media_root() -> None:
    assert site_of(host(("web",), media_root_shared=True)).roles == ("web",)


def test_compilers_belong_to_no_role_and_ffmpeg_to_ingest() -> None:
    assert "ffmpeg" in of_roles(("ingest",))
    assert "ffmpeg" not in of_roles(("web", "control"))
    assert of_roles(("builder",)) == ()
