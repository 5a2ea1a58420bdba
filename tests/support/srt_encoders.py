"""Programs of the trade that publish over SRT, each started the way its users start it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.obs import obs

Settings = dict[str, Any]
"""What `srt-url --json` says to type."""

Start = Callable[[Path, Path, Settings, ExitStack], None]


def feed(film: Path) -> list[str]:
    """ffmpeg sending a film in real time, again and again, as it is."""
    argv = ["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(film)]
    return [*argv, "-c", "copy", "-f", "mpegts"]


def running(stack: ExitStack, argv: list[str], **more: Any) -> subprocess.Popen[bytes]:
    """A program that is gone when the stack ends."""
    process = subprocess.Popen(argv, **more)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def ffmpeg(film: Path, folder: Path, settings: Settings, stack: ExitStack) -> None:
    """ffmpeg's own srt protocol; it wants the latency in microseconds."""
    running(stack, [*feed(film), settings["ffmpeg_url"]])


def srt_live_transmit(film: Path, folder: Path, settings: Settings, stack: ExitStack) -> None:
    """A pipe into srt-live-transmit, whose messages of 1456 bytes begin anywhere in a TS packet."""
    reader, writer = os.pipe()
    with open(reader, "rb") as source, open(writer, "wb") as sink:
        running(stack, [*feed(film), "pipe:1"], stdout=sink)
        running(stack, ["srt-live-transmit", "-q", "file://con", settings["url"]], stdin=source)


def gstreamer(film: Path, folder: Path, settings: Settings, stack: ExitStack) -> None:
    """A pipeline into srtsink; GStreamer plays the film once."""
    argv = ["gst-launch-1.0", "-q", "filesrc", f"location={film}", "!", "qtdemux", "name=film"]
    argv += ["mpegtsmux", "name=mux", "alignment=7", "!", "srtsink", "sync=true"]
    address = settings["url"].partition("?")[0]
    argv += [f"uri={address}?mode=caller", f"streamid={settings['stream_id']}"]
    argv += [f"passphrase={settings['passphrase']}"] if settings["passphrase"] else []
    argv += ["film.video_0", "!", "queue", "!", "h264parse", "config-interval=-1", "!", "mux."]
    running(stack, [*argv, "film.audio_0", "!", "queue", "!", "aacparse", "!", "mux."])


def obs_studio(film: Path, folder: Path, settings: Settings, stack: ExitStack) -> None:
    """OBS, which decodes the film and encodes it anew; its srt protocol is ffmpeg's."""
    stack.enter_context(obs(folder, film, settings["ffmpeg_url"]))


PROGRAMS: dict[str, Start] = {
    "ffmpeg": ffmpeg,
    "srt-live-transmit": srt_live_transmit,
    "gstreamer": gstreamer,
    "obs": obs_studio,
}


@contextmanager
def program(name: str, film: Path, folder: Path, settings: Settings) -> Iterator[None]:
    """The program on air, until the context ends."""
    with ExitStack() as stack:
        PROGRAMS[name](film, folder, settings, stack)
        yield
