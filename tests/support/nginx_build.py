"""Headend's nginx built on this machine, by the very script that a builder runs, once for each state of its inputs."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from headend.render import build_script as script_text

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "nginx-build"
PATCHES = ROOT / "nginx_modules" / "rtmp-patches"
SRT = ROOT / "nginx_modules" / "srt"


def build_script(folder: Path) -> Path:
    """The build script as a builder has it, written to a folder."""
    path = folder / "build-nginx"
    path.write_text(script_text("/opt/headend", "/var/lib/headend"))
    path.chmod(0o755)
    return path


def run_script(script: Path, verb: str, *options: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run the build script on this machine with a state folder of its own; compiles as nobody when we are root."""
    # What the script may not take from us: our folders may be closed to the user that compiles.
    argv = [str(script), verb, "--srt", str(SRT), "--state", str(state), "--user", "nobody", *options]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def built_nginx(options: Sequence[str] = (), *, patches: Path = PATCHES) -> Path:
    """Prefix of a build with our patches and our SRT module: sbin/nginx, modules/, conf/. Built once for these inputs.

    `--sanitize` in options gives the build for fuzzing. Raises RuntimeError with the script's own sentence.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock, tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        # Parallel test workers: one builds, the others find it done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        work = Path(folder)
        work.chmod(0o755)
        script = build_script(work)
        prefix = CACHE / _key(script, patches, options)
        if not prefix.exists():
            _build(script, work, patches, options, prefix)
    return prefix


def _build(script: Path, work: Path, patches: Path, options: Sequence[str], prefix: Path) -> None:
    # The laboratory's mirror may have lost the newest source; a test of the build's honesty about it is elsewhere.
    wanted = ("--allow-stale-sources", "--patches", str(patches), *options)
    done = run_script(script, "build", *wanted, state=work / "state")
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    (archive,) = (work / "state").glob("headend-nginx-*.tar.gz")
    new = prefix.with_name(f"{prefix.name}.{os.getpid()}")
    with tarfile.open(archive) as packed:
        packed.extractall(new, filter="data")
    new.rename(prefix)


def _key(script: Path, patches: Path, options: Sequence[str]) -> str:
    parts = [
        script.read_bytes(),
        *(path.read_bytes() for path in sorted(patches.glob("*"))),
        *(path.read_bytes() for path in sorted(SRT.iterdir()) if path.suffix in ("", ".c", ".h") and path.is_file()),
        " ".join(options).encode(),
    ]
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()[:16]
