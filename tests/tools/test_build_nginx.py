"""The build script refuses what it must, in one line, and leaves nothing behind; the build is what we asked for."""

from __future__ import annotations

import json
import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.nginx_build import ROOT, build_script, built_nginx, run_script

# Answers for a host whose apt knows two versions of nginx, of which the mirror has lost the newest.
APT_GET = """#!/bin/sh
case "$*" in
  indextargets*) cat {sources} ;;
  *" update") ;;
  *" source "*) echo 'E: Failed to fetch nginx.dsc  404  Not Found'; exit 100 ;;
esac
"""
APT_CACHE = """#!/bin/sh
printf 'Package: nginx\\nVersion: 1.22.1-9\\n\\nPackage: nginx\\nVersion: 1.22.1-9+deb12u11\\n\\n'
printf 'Package: libnginx-mod-rtmp\\nVersion: 1:1.2.2+dfsg-3\\n'
"""
MAIN = "Debian|main|http://mirror.invalid/debian/|bookworm\n"
SECURITY = "Debian|main|http://mirror.invalid/debian-security/|bookworm-security\n"
STRANGER = "Somebody|main|http://packages.invalid/|bookworm\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script as a builder has it."""
    return build_script(tmp_path)


def apt_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sources: str) -> None:
    """Let the script meet our apt instead of the machine's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "sources").write_text(sources)
    texts = {"apt-get": APT_GET.format(sources=tmp_path / "sources"), "apt-cache": APT_CACHE}
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def refusal(script: Path, tmp_path: Path, *options: str) -> str:
    """The script's one line; nothing of the refused build is left."""
    done = run_script(script, "build", "--patches", str(tmp_path / "none"), *options, state=tmp_path / "state")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    left = {path.name for path in (tmp_path / "state").iterdir()} if (tmp_path / "state").exists() else set()
    assert left <= {"apt"}
    return done.stderr.strip()


def source_list(tmp_path: Path, *lines: str) -> tuple[str, str]:
    """Options that name a source list with these lines."""
    path = tmp_path / "list"
    path.write_text("".join(f"{line}\n" for line in lines))
    return "--source-list", str(path)


def test_a_tampered_archive_stops_the_build(script: Path, tmp_path: Path) -> None:
    archive = tmp_path / "nginx-1.22.1.tar.gz"
    archive.write_bytes(b"as released")
    promised = sha256(archive.read_bytes()).hexdigest()
    archive.write_bytes(b"tampered")
    line = refusal(script, tmp_path, *source_list(tmp_path, f"file://{archive} {promised} nginx"))
    assert line == (
        f"build-nginx: file://{archive}: sha256 is {sha256(b'tampered').hexdigest()}, the source list says {promised}. "
        "The archive was changed; nothing was built."
    )


@pytest.mark.parametrize(
    "lines, said",
    [
        (["file:///none " + "0" * 64 + " nginx"], "file:///none: no such file."),
        (["ftp://host/nginx.tar.gz " + "0" * 64 + " nginx"], "not a file, http or https address."),
        (["file:///none 0123 nginx"], "a line is not 'URL SHA256 nginx|rtmp': file:///none"),
        (["file:///none " + "0" * 64 + " other"], "a line is not 'URL SHA256 nginx|rtmp': file:///none"),
        (["# only a comment"], "no line for nginx."),
    ],
)
def test_a_source_list_with_a_fault_is_refused(script: Path, tmp_path: Path, lines: list[str], said: str) -> None:
    assert said in refusal(script, tmp_path, *source_list(tmp_path, *lines))


def test_a_source_older_than_the_newest_is_refused(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_says(tmp_path, monkeypatch, MAIN + SECURITY + STRANGER)
    assert refusal(script, tmp_path) == (
        "build-nginx: nginx: the newest source 1.22.1-9+deb12u11 cannot be fetched. "
        "Try again later, or set allow_stale_sources to build an older one."
    )
    sources = (tmp_path / "state" / "apt" / "headend.sources").read_text()
    assert sources.count("Types: deb-src") == 2
    assert "packages.invalid" not in sources


def test_a_host_without_its_security_suite_is_refused(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_says(tmp_path, monkeypatch, MAIN)
    assert "have no security suite. Add it, or set allow_stale_sources." in refusal(script, tmp_path)


def test_a_host_without_an_index_is_told_what_to_do(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_says(tmp_path, monkeypatch, STRANGER)
    assert "the host has no index of Debian's main suite. Run apt-get update." in refusal(script, tmp_path)


# Only libsrt is another one than this machine's.
DPKG_QUERY = """#!/bin/sh
case "$*" in
  *'${{Version}} libsrt-openssl-dev') printf %s {version} ;;
  *'${{db:Status-Status}}'*) printf installed ;;
  *) exec /usr/bin/dpkg-query "$@" ;;
esac
"""


@pytest.mark.parametrize("more", [(), ("--allow-stale-sources",)], ids=["by_default", "stale_sources_allowed"])
def test_an_old_libsrt_stops_the_build(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    archives = [tmp_path / "nginx-1.tar.gz", tmp_path / "rtmp-1.tar.gz"]
    lines = []
    for archive, kind in zip(archives, ("nginx", "rtmp"), strict=True):
        archive.write_bytes(kind.encode())
        lines.append(f"file://{archive} {sha256(kind.encode()).hexdigest()} {kind}")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "dpkg-query").write_text(DPKG_QUERY.format(version="1.5.1-1+deb12u1"))
    (folder / "dpkg-query").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    assert re.fullmatch(
        r"build-nginx: libsrt 1\.5\.1-1\+deb12u1: older than 1\.5\.\S+, which fixes flaws that strangers can use\. "
        r"Run apt-get update, then apt-get install libsrt-openssl-dev\.",
        refusal(script, tmp_path, *source_list(tmp_path, *lines), *more),
    )


@pytest.mark.parametrize(
    "argv, said",
    [
        ([], "'' is not one of build, status, remove-toolchain."),
        (["compile"], "'compile' is not one of build, status, remove-toolchain."),
        (["build", "--fast"], "--fast: unknown option."),
        (["build", "--patches"], "--patches: needs a value."),
        (["build", "--source-list", "/none"], "/none: no such file."),
    ],
)
def test_wrong_arguments_are_one_line(script: Path, argv: list[str], said: str) -> None:
    done = subprocess.run([script, *argv], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"build-nginx: {said}\n")


def test_status_of_a_bare_builder(script: Path, tmp_path: Path) -> None:
    done = run_script(script, "status", state=tmp_path / "state")
    assert json.loads(done.stdout) == {"due": "nothing is built yet", "last": None, "toolchain": []}


def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.host
def test_the_build_says_what_went_into_it() -> None:
    prefix = built_nginx()
    said = json.loads((prefix / "BUILD.json").read_text())
    assert said["patches"] == (ROOT / "nginx_modules/rtmp-patches/series").read_text().split()
    assert set(said["sources"]) == {"nginx", "libnginx-mod-rtmp"}
    assert said["libsrt"]["ok"] is True
    assert "libsrt1.5-openssl" in said["runtime"]
    assert said["stale"] == any(source["version"] != source["newest"] for source in said["sources"].values())
    shown = subprocess.run([prefix / "sbin/nginx", "-V"], capture_output=True, text=True, check=True).stderr
    assert all(flag in shown for flag in said["configure"])


@pytest.mark.host
def test_the_build_is_hardened() -> None:
    prefix = built_nginx()
    for name in ("sbin/nginx", "modules/ngx_rtmp_module.so", "modules/ngx_srt_module.so"):
        shown = subprocess.run(["readelf", "-hdlW", prefix / name], capture_output=True, text=True, check=True).stdout
        assert "DYN (" in shown, f"{name} is not position independent"
        assert "GNU_RELRO" in shown
        assert "BIND_NOW" in shown
        assert "RWE" not in shown, f"{name} has a segment that is writable and executable"
        assert "RUNPATH" not in shown


@pytest.mark.host
def test_a_module_left_out_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text("events {} http { server { return 200; } }")
    prefix = built_nginx()
    argv = [f"{prefix}/sbin/nginx", "-p", f"{tmp_path}", "-c", f"{tmp_path}/nginx.conf", "-t"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert 'unknown directive "return"' in done.stderr
