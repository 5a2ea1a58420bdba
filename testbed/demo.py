"""The demo: a bare host, a deploy, a second deploy, a key, an encoder, and a stream that plays.

Progress goes to standard error; the last line of standard output is one JSON object with what was reached and measured.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testbed import object_store, receiver
from testbed.archived import recordings, wait_archived
from testbed.clip import demo_clip, publishable
from testbed.deploy import Outcome, deploy
from testbed.fault import TestbedError
from testbed.host import Host
from testbed.image import DEFAULT_RELEASE, RELEASES
from testbed.origin import Origin
from testbed.places import cache_dir
from testbed.preflight import check_port, check_root, check_space
from testbed.progress import Progress
from testbed.publisher import Publisher, stop_left_over
from testbed.viewer import Viewer

DEMO = Origin(Host("demo"), "demo")
RECONNECT_SECONDS = 2.0
ANNOUNCED_SECONDS = 10.0
RECORDED_SECONDS = 30.0
ARCHIVE_SPEC = "specs/demo-archive.yaml"


@dataclass(frozen=True, slots=True)
class OnAir:
    """A stream that plays."""

    state: dict[str, Any]
    publish_to_playable_s: float
    announced: list[dict[str, Any]]
    """Who was told what, and how long after the encoder began to connect."""


def pid_file() -> Path:
    """Where the id of the demo's encoder is kept for --down."""
    return cache_dir() / "demo.pid"


def down() -> None:
    """Remove all that the demo started; nothing to remove is fine."""
    stop_left_over(pid_file())
    DEMO.host.down()
    object_store.stop()


def bare_host(release: int, progress: Progress) -> None:
    """The demo's host is up afterwards: a new one, or the one of an earlier run."""
    host = DEMO.host
    if host.running():
        runs = host.shell(". /etc/os-release; echo $VERSION_ID").strip()
        if runs != str(release):
            raise TestbedError(f"demo --debian: the host runs Debian {runs}. Take it down first: ./run demo --down")
        progress.step(f"host {host.name} is up already")
        return
    host.down()
    check_space()
    check_port(DEMO.rtmp_port, "RTMP")
    check_port(DEMO.http_port, "the watch page")
    check_port(DEMO.srt_port, "SRT", socket.SOCK_DGRAM)
    progress.step(f"start a bare Debian {release} host")
    host.up(release, DEMO.ports)


def deploy_twice(progress: Progress, *, archive: bool) -> tuple[Outcome, Outcome]:
    """Deploy, and deploy again: the second has nothing to do."""
    extra = ("--data", f"spec={ARCHIVE_SPEC}") if archive else ()
    progress.step(" ".join(["deploy: pyinfra", *extra, "inventory/testbed.py deploy.py"]))
    first = deploy([DEMO.host], progress.detail, extra)
    progress.step(f"deployed in {first.seconds:.1f} s; deploy again")
    second = deploy([DEMO.host], progress.detail, extra)
    progress.step(f"second deploy: {len(second.changed)} changed in {second.seconds:.1f} s")
    for name in second.changed:
        progress.detail(f"changed: {name}")
    return first, second


def off_air() -> None:
    """Nobody publishes any more; an encoder of an earlier run may need a moment to be missed."""
    try:
        DEMO.wait_off_air(seconds=20)
    except TestbedError:
        raise TestbedError(
            "demo: another encoder is live on the host. Stop it, or begin anew: ./run demo --down"
        ) from None


def publish(film: Path, progress: Progress, *, srt: bool) -> OnAir:
    """Publish in the background and wait until every rendition plays and the API says so."""
    viewer = Viewer(DEMO.state()["playlist"])
    seen = viewer.listed()
    key = DEMO.add_key()
    url = DEMO.srt_url(key) if srt else DEMO.publish_url(key.secret)
    progress.step(f"publish {film.name} in a loop over {'SRT' if srt else 'RTMP'}")
    publisher = Publisher.start(film, url, cache_dir() / "demo-publisher.jsonl", RECONNECT_SECONDS)
    pid_file().write_text(str(publisher.pid))
    began = publisher.wait("connecting")["at"]
    publisher.wait("publishing")
    progress.step("wait until every rendition plays")
    playable = viewer.wait_playable(seen)
    state = DEMO.wait_state("live")
    progress.step("wait until everyone has heard of it")
    return OnAir(state, round(playable - began, 3), announced(began))


def announced(began: float) -> list[dict[str, Any]]:
    """What the receivers on the host got since a moment; raises TestbedError unless every one was told of the live."""
    end = time.monotonic() + ANNOUNCED_SECONDS
    while True:
        got = receiver.received(DEMO.host, since=began)
        told = {one.destination for one in got if one.occasion == "live" and one.genuine}
        if told == {receiver.DISCORD, receiver.SITE}:
            return [
                {
                    "destination": one.destination,
                    "occasion": one.occasion,
                    "seconds_after_publish": round(one.at - began, 3),
                }
                for one in got
            ]
        if time.monotonic() > end:
            missing = ", ".join(sorted({receiver.DISCORD, receiver.SITE} - told))
            raise TestbedError(f"demo: {missing} was not told within {ANNOUNCED_SECONDS:.0f} s of the stream's start")
        time.sleep(0.1)


def archive(on_air: OnAir, before: int, progress: Progress) -> dict[str, Any]:
    """Publish for half a minute in all, end, and wait until the recording is in the store and gone from the host."""
    progress.step(f"record for {RECORDED_SECONDS:.0f} s")
    time.sleep(max(0.0, RECORDED_SECONDS - on_air.publish_to_playable_s))
    stop_left_over(pid_file())
    DEMO.wait_state("ended", seconds=20)
    ended = time.monotonic()
    progress.step("wait until the recording is joined, archived, verified and pruned")
    archived = wait_archived(DEMO.host, before, ended)
    DEMO.wait_state("archived", seconds=60)
    return asdict(archived)


def demo(arguments: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    """The whole demo; its result as the last line prints it."""
    check_root()
    film = None
    if not arguments.no_publish:
        progress.step("prepare the film")
        film = publishable(arguments.input) if arguments.input else demo_clip()
    stop_left_over(pid_file())
    bare_host(arguments.debian, progress)
    if arguments.archive:
        progress.step("start an object store")
        object_store.start(DEMO.host)
    first, second = deploy_twice(progress, archive=arguments.archive)
    receiver.start(DEMO.host)
    off_air()
    before = max((one["id"] for one in recordings(DEMO.host)), default=0) if arguments.archive else 0
    on_air = publish(film, progress, srt=arguments.srt) if film else None
    archived = archive(on_air, before, progress) if on_air and arguments.archive else None
    state = on_air.state if on_air and not archived else DEMO.state()
    # An outside encoder needs the key; on air nobody does.
    key = None if on_air else DEMO.add_key()
    return {
        "stream": DEMO.slug,
        "state": state["state"],
        "playlist": state["playlist"],
        "rtmp_url": DEMO.publish_url(key.secret if key else None),
        "srt_url": DEMO.srt_url(key),
        "publish_to_playable_s": on_air.publish_to_playable_s if on_air else None,
        "announced": on_air.announced if on_air else [],
        "archived": archived,
        "first_deploy_s": round(first.seconds, 1),
        "redeploy_s": round(second.seconds, 1),
        "redeploy_changed": len(second.changed),
        "renditions": state["renditions"],
    }


def report(result: dict[str, Any]) -> None:
    """Where to look, for a person; then the JSON line, for a program."""
    print(f"watch page   {DEMO.watch_page}")
    print(f"playlist     {result['playlist']}")
    if result["state"] != "live" and not result["archived"]:
        print(f"publish to   {result['rtmp_url']}")
        print(f"or to        {result['srt_url']}")
    for told in result["announced"]:
        when = f"{told['seconds_after_publish']} s after the publish"
        print(f"told         {told['destination']}: {told['occasion']}, {when}")
    if archived := result["archived"]:
        print(f"archived     {archived['bucket']}/{archived['key']}, {archived['seconds_after_end']} s after the end")
    print("take down    ./run demo --down")
    print(json.dumps(result), flush=True)


def parser() -> argparse.ArgumentParser:
    """The demo's options."""
    top = argparse.ArgumentParser(prog="./run demo", description=__doc__.splitlines()[0] if __doc__ else None)
    top.add_argument("--no-publish", action="store_true", help="stop before publishing; prints a URL with its key")
    top.add_argument("--srt", action="store_true", help="publish over SRT, encrypted, instead of RTMP")
    top.add_argument(
        "--archive",
        action="store_true",
        help="record half a minute, end, and move it to an object store of the testbed",
    )
    top.add_argument("--input", type=Path, metavar="FILE", help="publish this film instead of the demo's clip")
    top.add_argument("--debian", type=int, choices=list(RELEASES), default=DEFAULT_RELEASE, help="release of the host")
    top.add_argument("--down", action="store_true", help="remove everything that the demo started")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 with the stream up, 1 with one line about what is in the way, 130 when interrupted."""
    options = parser()
    arguments = options.parse_args(argv)
    if arguments.archive and arguments.no_publish:
        options.error("--archive has nothing to archive with --no-publish")
    try:
        if arguments.down:
            check_root()
            down()
            print("demo: down", file=sys.stderr)
            return 0
        with Progress("demo") as progress:
            result = demo(arguments, progress)
    except TestbedError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted. Remove what was started: ./run demo --down", file=sys.stderr)
        return 130
    report(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
