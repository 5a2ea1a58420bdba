"""What `headend doctor HOST` finds, from the output of a host."""

from __future__ import annotations

import json
import os
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from deploys.activate import UNITS
from deploys.facts.doctor import HeadendReport

BUILD = {"build_id": "ab", "stale": False, "sources": {"nginx": {"version": "2", "newest": "2"}}}
STALE = {"build_id": "ab", "stale": True, "sources": {"nginx": {"version": "1", "newest": "2"}}}
WEB = "Id=nginx@web.service\nActiveState={active}\nSubState={sub}\nUnitFileState=enabled\nNeedDaemonReload=no"
WELL = {
    "build": json.dumps(BUILD),
    "builder": "",
    "units": WEB.format(active="active", sub="running"),
    "applied": "nginx@web.service\ntmpfiles",
    "pending": "",
    "wanted": "        listen 0.0.0.0:8080;",
    "listening": "tcp   LISTEN 0 511 0.0.0.0:8080 0.0.0.0:*",
    "libsrt": "",
    "prune": "",
    "disk": "Use% Mounted on\n 13% /",
}

SRT_CONF = "srt {\n        listen 0.0.0.0:9000;\nhttp {\n        listen 127.0.0.1:8082;"
UDP = "udp   UNCONN 0 0 0.0.0.0:9000 0.0.0.0:*"
STAT = "tcp   LISTEN 0 511 127.0.0.1:8082 0.0.0.0:*"


def report(**sections: str) -> dict[str, Any]:
    """The report of a host that is well but for these sections."""
    text = "\n".join(f"=== {name}\n{body}" for name, body in (WELL | sections).items())
    return HeadendReport().process(text.split("\n"))


PROBLEMS = [
    ("well", {}, []),
    ("no_nginx", {"build": ""}, ["nginx: no build of Headend's own is installed. Deploy."]),
    (
        "stale",
        {"build": json.dumps(STALE)},
        ["nginx: built from stale sources: nginx 1 (newest 2). Deploy when the newest can be fetched."],
    ),
    (
        "newer_source_in_the_index",
        {"builder": '{"due": "an input changed", "last": null, "toolchain": []}'},
        ["nginx: a new build is due: an input changed. Deploy."],
    ),
    (
        "unit_failed",
        {"units": WEB.format(active="failed", sub="failed")},
        ["nginx@web.service: failed (failed). See journalctl -u nginx@web.service."],
    ),
    (
        "deferred",
        {"pending": "nginx@web.service"},
        ["nginx@web.service: does not run with what lies on the disk. Deploy."],
    ),
    ("bare_host", {"applied": ""}, ["units: none was ever activated here. Deploy."]),
    ("port_closed", {"listening": ""}, ["port 0.0.0.0:8080: nothing listens."]),
    (
        "other_address_does_not_count",
        {"listening": "tcp LISTEN 0 511 127.0.0.1:8080 *:*"},
        ["port 0.0.0.0:8080: nothing listens."],
    ),
    ("ipv6", {"wanted": "listen [::]:1935 ipv6only=on;", "listening": "tcp LISTEN 0 511 [::]:1935 *:*"}, []),
    ("udp", {"wanted": SRT_CONF, "listening": f"{UDP}\n{STAT}"}, []),
    ("udp_closed", {"wanted": SRT_CONF, "listening": STAT}, ["port 0.0.0.0:9000/udp: nothing listens."]),
    ("tcp_is_not_udp", {"wanted": "srt {\n    listen 0.0.0.0:8080;"}, ["port 0.0.0.0:8080/udp: nothing listens."]),
    ("unix", {"wanted": "rtmp {\n listen unix:/r.sock;", "listening": "u_str LISTEN 0 511 /r.sock 1 * 0"}, []),
    ("unix_closed", {"wanted": "rtmp {\n listen unix:/r.sock;"}, ["socket /r.sock: nothing listens."]),
    ("libsrt_new_enough", {"libsrt": "1.5.1-1+deb12u2 1.5.1-1+deb12u2 yes"}, []),
    (
        "libsrt_old",
        {"libsrt": "1.5.1-1 1.5.1-1+deb12u2 no"},
        [
            "libsrt 1.5.1-1 is older than 1.5.1-1+deb12u2, which fixes flaws that strangers can use. "
            "Run apt-get update, then apt-get install libsrt1.5-openssl, then deploy."
        ],
    ),
    ("pruned", {"prune": "Result=success\nLastTriggerUSec=@1795847400"}, []),
    (
        "prune_failed",
        {"prune": "Result=exit-code\nLastTriggerUSec=@1795847400"},
        ["headend-prune.service: the last run failed (exit-code). See journalctl -u headend-prune.service."],
    ),
    ("disk_full", {"disk": "Use% Mounted on\n 95% /srv"}, ["disk /srv: 95% full. Make room."]),
]


@pytest.mark.parametrize("sections,problems", [case[1:] for case in PROBLEMS], ids=[case[0] for case in PROBLEMS])
def test_problems(sections: dict[str, str], problems: list[str]) -> None:
    assert report(**sections)["problems"] == problems


def test_units() -> None:
    assert report(pending="nginx@web.service")["units"] == {
        "nginx@web.service": {"active": "active", "sub": "running", "pending": True}
    }
    assert report()["nginx"] == BUILD
    assert report()["libsrt"] is None
    assert report(libsrt="1.5.1-1 1.5.2-1 no")["libsrt"] == {"version": "1.5.1-1", "minimum": "1.5.2-1", "ok": False}


def test_the_last_prune_run() -> None:
    assert report()["prune"] is None
    never = report(prune="Result=success\nLastTriggerUSec=n/a")["prune"]
    assert never == {"last": None, "result": "success"}
    once = report(prune="Result=success\nLastTriggerUSec=@1795847400")["prune"]
    assert once == {"last": "2026-11-28T06:30:00+00:00", "result": "success"}


def ask(folder: Path) -> dict[str, Any]:
    """The report of this machine with Headend's folders somewhere else."""
    command = HeadendReport().command(
        prefix=str(folder / "opt"), config_dir=str(folder / "etc"), state_dir=str(folder), media_root=str(folder)
    )
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    return HeadendReport().process(done.stdout.splitlines())


def pending(folder: Path) -> bool:
    """Whether the shell of the fact finds the unit pending."""
    lines = subprocess.run(
        ["sh", "-c", HeadendReport().command(state_dir=str(folder))], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    after = lines[lines.index("=== pending") + 1 :]
    return after[: after.index("=== wanted")] == ["nginx@web.service"]


def test_a_machine_without_headend_has_a_report() -> None:
    assert "units: none was ever activated here. Deploy." in ask(Path("/nonexistent"))["problems"]


def test_pending_looks_at_every_unit_that_a_deploy_activates(tmp_path: Path) -> None:
    applied = tmp_path / "applied"
    applied.mkdir()
    for unit in UNITS:
        (applied / unit).write_text(f"restart 1\nreload 2\n{'0' * 64}  {tmp_path}/none\nrelease {tmp_path}/none a\n")
    command = HeadendReport().command(state_dir=str(tmp_path))
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.splitlines()
    assert set(said[said.index("=== pending") + 1 : said.index("=== wanted")]) == set(UNITS)


def test_pending_compares_files_and_release_with_the_last_activation(tmp_path: Path) -> None:
    conf, link, applied = tmp_path / "web.conf", tmp_path / "current", tmp_path / "applied"
    conf.write_text("events {}")
    link.symlink_to("releases/a")
    applied.mkdir()
    library, secret = tmp_path / "lib.so", tmp_path / "master"
    for watched in (library, secret):
        watched.touch()
        os.utime(watched, (7, 7))
    sums = f"{sha256(b'events {}').hexdigest()}  {conf}\n"
    lines = f"{sums}modified 7 {library}\nmodified 7 {secret}\nrelease {link} releases/a\n"
    (applied / "nginx@web.service").write_text(f"restart 1\nreload 2\n{lines}")
    assert not pending(tmp_path)
    conf.write_text("events { }")
    assert pending(tmp_path)
    conf.write_text("events {}")
    os.utime(library, (8, 8))
    assert pending(tmp_path)
    os.utime(library, (7, 7))
    assert not pending(tmp_path)
    link.unlink()
    link.symlink_to("releases/b")
    assert pending(tmp_path)
