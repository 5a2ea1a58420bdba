"""Command line of the laboratory: `python -m testbed up NAME`, `down`, `list`, `image`, `exec`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence

from testbed.fault import TestbedError
from testbed.host import Host, hosts
from testbed.image import DEFAULT_RELEASE, RELEASES, ensure_image


def host_name(text: str) -> str:
    """Refuse what podman or a host name cannot hold."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no host name. Use lower-case letters, digits and hyphens")
    return text


def parser() -> argparse.ArgumentParser:
    """The verbs and their options."""
    top = argparse.ArgumentParser(prog="python -m testbed", description="Throwaway Debian hosts in containers.")
    verbs = top.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="start a bare host and wait until it has booted")
    up.add_argument("name", type=host_name)
    up.add_argument("--debian", type=int, choices=list(RELEASES), default=DEFAULT_RELEASE)
    up.add_argument("--publish", action="append", default=[], metavar="HOSTPORT:PORT/tcp|udp", help="on 127.0.0.1")
    down = verbs.add_parser("down", help="remove hosts with everything in them")
    down.add_argument("names", nargs="*", type=host_name, metavar="NAME")
    down.add_argument("--all", action="store_true")
    verbs.add_parser("list", help="names of the hosts and their ports on this machine")
    image = verbs.add_parser("image", help="build the base image now; prints its name")
    image.add_argument("--debian", type=int, choices=list(RELEASES), default=DEFAULT_RELEASE)
    run = verbs.add_parser("exec", help="run a program on a host: exec NAME -- PROGRAM ...")
    run.add_argument("name", type=host_name)
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="PROGRAM")
    return top


def act(arguments: argparse.Namespace) -> None:
    """Do one verb."""
    match arguments.verb:
        case "up":
            Host(arguments.name).up(arguments.debian, arguments.publish)
        case "down":
            for host in hosts() if arguments.all else map(Host, arguments.names):
                host.down()
        case "list":
            for host in hosts():
                print(host.name, *host.published())
        case "image":
            print(ensure_image(arguments.debian))
        case "exec":
            program = arguments.argv[1:] if arguments.argv[:1] == ["--"] else arguments.argv
            argv = ["podman", "exec", "--interactive", Host(arguments.name).container, *program]
            os.execvp(argv[0], argv)  # noqa: S606 (an argument list needs no shell)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 when done, 1 with one line when not."""
    try:
        act(parser().parse_args(argv))
    except TestbedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
