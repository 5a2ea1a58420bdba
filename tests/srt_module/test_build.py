"""The module builds within nginx and beside it, by both compilers, without a warning, and says what it misses."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.nginx_build import ROOT
from tests.support.nginx_source import nginx_source
from tests.support.srt_nginx import running_srt, wait_for
from tests.support.srt_upstream import upstream

pytestmark = [pytest.mark.host, pytest.mark.slow]

MODULE = ROOT / "nginx_modules" / "srt"

# libsrt's callbacks and nginx's handlers have parameters that we do not need; nginx casts handlers of modules.
CFLAGS = "-O1 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-cast-function-type -Wno-deprecated-declarations"
SLIM = ["--without-http_rewrite_module", "--without-http_gzip_module"]
PLAIN_C = ("admission", "admit", "filter", "replay", "streamid", "token")


def configure(release: str, tree: Path, *options: str, cflags: str = CFLAGS) -> subprocess.CompletedProcess[str]:
    """nginx's configure in a fresh copy of its source."""
    shutil.copytree(nginx_source(release), tree)
    argv = ["./configure", *SLIM, f"--with-cc-opt={cflags}", *options]
    return subprocess.run(argv, cwd=tree, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "release, compiler, how",
    [
        ("bookworm", "gcc", "--add-module"),
        ("bookworm", "clang", "--add-dynamic-module"),
        ("trixie", "clang", "--add-module"),
        ("trixie", "gcc", "--add-dynamic-module"),
    ],
)
def test_it_builds_and_takes_callers(tmp_path: Path, release: str, compiler: str, how: str) -> None:
    # The worker is nobody, and pytest's folders are root's.
    tree = tmp_path / "nginx"
    done = configure(release, tree, f"--with-cc={compiler}", f"{how}={MODULE}", f"--prefix={tree}")
    assert done.returncode == 0, done.stdout[-2000:]
    made = subprocess.run(["make", "-s", "-j2"], cwd=tree, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    assert "warning" not in made.stderr
    (tree / "sbin").mkdir()
    (tree / "modules").mkdir()
    (tree / "objs" / "nginx").rename(tree / "sbin" / "nginx")
    modules = list((tree / "objs").glob("*.so"))
    assert [path.name for path in modules] == (["ngx_srt_module.so"] if "dynamic" in how else [])
    for path in modules:
        path.rename(tree / "modules" / path.name)
    without = () if modules else ("load_module",)
    with (
        upstream() as behind,
        running_srt(behind, "coffee", prefix=tree, without=without) as server,
        server.calling(server.encrypted("coffee")) as caller,
    ):
        caller.send(bytes(1316))
        wait_for(lambda: behind.handed and behind.handed[0].size == 1316, "not handed on")


def test_without_http_it_is_the_core_alone(tmp_path: Path) -> None:
    done = configure("bookworm", tmp_path / "nginx", "--without-http", f"--add-dynamic-module={MODULE}")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "ngx_http_srt_stat" not in (tmp_path / "nginx" / "objs" / "Makefile").read_text()


@pytest.mark.parametrize("library, package", [("srt", "libsrt-openssl-dev"), ("crypto", "libssl-dev")])
def test_a_missing_library_is_named_with_its_package(tmp_path: Path, library: str, package: str) -> None:
    module = tmp_path / "srt"
    shutil.copytree(MODULE, module)
    config = module / "config"
    config.write_text(config.read_text().replace(f"-l{library}", f"-l{library}-that-is-not-there"))
    done = configure("bookworm", tmp_path / "nginx", f"--add-dynamic-module={module}")
    assert done.returncode == 1
    assert f"apt-get install {package}" in done.stdout


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", PLAIN_C)
def test_what_is_plain_c_knows_neither_nginx_nor_libsrt(compiler: str, name: str) -> None:
    flags = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-Wshadow", "-fsyntax-only"]
    done = subprocess.run([compiler, *flags, MODULE / f"ngx_srt_{name}.c"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "ngx_core.h" not in (MODULE / f"ngx_srt_{name}.c").read_text()


def test_every_directive_is_in_the_readme() -> None:
    module = (MODULE / "ngx_srt_module.c").read_text() + (MODULE / "ngx_http_srt_stat_module.c").read_text()
    readme = (MODULE / "README.md").read_text()
    directives = {line.split('"')[1] for line in module.splitlines() if line.lstrip().startswith('{ ngx_string("')}
    values = {"16", "24", "32", "never", "same_address", "json", "prometheus"}
    for directive in directives - values:
        block = readme.split(f"| Syntax | `{directive} ")[-1:] if f"| Syntax | `{directive} " in readme else []
        block = block or readme.split(f"| Syntax | <code>{directive} ")[1:]
        assert block, f"{directive} is not documented"
        rows = block[0].splitlines()[1:3]
        assert [row.split("|")[1].strip() for row in rows] == ["Default", "Context"], directive


def test_no_line_is_longer_than_80_columns() -> None:
    long = [
        f"{path.name}:{number}"
        for path in sorted(MODULE.glob("*.[ch]"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 80 or "\t" in line or line != line.rstrip() or "//" in line.replace("://", "")
    ]
    assert not long
