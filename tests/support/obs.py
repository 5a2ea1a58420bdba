"""A real OBS without a screen: its own folder of settings, one scene with a film in it, on air from its start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# A profile as a person makes it in Settings: simple output, x264, a keyframe every two seconds.
PROFILE = """\
[General]
Name=headend

[Output]
Mode=Simple
Reconnect=true
RetryDelay=1
MaxRetries=60

[SimpleOutput]
StreamEncoder=x264
VBitrate=2500
ABitrate=160
UseAdvanced=true
Preset=ultrafast
x264Settings=keyint=60 scenecut=0

[Video]
BaseCX=1280
BaseCY=720
OutputCX=1280
OutputCY=720
FPSType=0
FPSCommon=30
"""

# What the first run would ask is answered.
GLOBAL = """\
[General]
FirstRun=true
EnableAutoUpdates=false
InfoIncrement=1000

[Basic]
Profile=headend
ProfileDir=headend
SceneCollection=headend
SceneCollectionFile=headend
"""

# Xvfb has no graphics card, and OBS asks for OpenGL 3.3: Mesa's software renderer has it.
ENVIRONMENT = {"LIBGL_ALWAYS_SOFTWARE": "1", "QT_QPA_PLATFORM": "xcb", "LC_ALL": "C.UTF-8"}
STOP_SECONDS = 10.0


def scene(film: Path) -> dict[str, Any]:
    """A scene collection whose one scene loops a film."""
    media = {"local_file": str(film), "is_local_file": True, "looping": True, "hw_decode": False}
    return {
        "name": "headend",
        "current_scene": "Scene",
        "current_program_scene": "Scene",
        "scene_order": [{"name": "Scene"}],
        "sources": [
            {"id": "scene", "name": "Scene", "settings": {"items": [{"name": "film", "id": 1, "visible": True}]}},
            {"id": "ffmpeg_source", "name": "film", "settings": media, "mixers": 255, "volume": 1.0},
        ],
    }


def service(server: str) -> dict[str, Any]:
    """Settings, Stream, Custom: the whole SRT address is the server, and there is no key."""
    return {"type": "rtmp_custom", "settings": {"server": server, "key": "", "use_auth": False, "bwtest": False}}


def configure(folder: Path, film: Path, server: str) -> None:
    """Write the settings of an OBS that has been set up before."""
    basic = folder / "obs-studio" / "basic"
    profile, scenes = basic / "profiles" / "headend", basic / "scenes"
    profile.mkdir(parents=True)
    scenes.mkdir()
    (folder / "obs-studio" / "global.ini").write_text(GLOBAL)
    (profile / "basic.ini").write_text(PROFILE)
    secret = profile / "service.json"
    secret.touch(0o600)
    secret.write_text(json.dumps(service(server)))
    (scenes / "headend.json").write_text(json.dumps(scene(film)))


@contextmanager
def obs(folder: Path, film: Path, server: str) -> Iterator[subprocess.Popen[bytes]]:
    """OBS on air to `server` until the context ends; its log is in `folder`."""
    configure(folder, film, server)
    runtime = folder / "runtime"
    runtime.mkdir(0o700)
    places = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_RUNTIME_DIR": str(runtime)}
    places["TMPDIR"] = str(folder)
    argv = ["dbus-run-session", "--", "xvfb-run", "--auto-servernum", "--server-args=-screen 0 1280x800x24"]
    argv += ["obs", "--startstreaming", "--multi", "--disable-updater", "--minimize-to-tray"]
    argv += ["--collection", "headend", "--profile", "headend"]
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"} | ENVIRONMENT | places
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End OBS with the screen and the bus that it was given: all of one session of processes."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
