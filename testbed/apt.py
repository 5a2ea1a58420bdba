"""This machine's own apt settings, for hosts that must fetch packages the way it does."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# How to reach a mirror (proxies, retries) and how strictly to read its dates; nothing of what to fetch.
CARRIED = re.compile(r"^Acquire::(https?::(?!Ca(Info|Path))|Check-|Retries|ForceIPv[46]).* \"[^\"]+\";$")


def output(*argv: str) -> str:
    """A read-only apt query; empty where there is no apt."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def own_codename() -> str:
    """VERSION_CODENAME of this machine."""
    found = re.search(r"^VERSION_CODENAME=(\S+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    return found.group(1) if found else ""


def sources(suite: str) -> str:
    """This machine's Debian mirrors as deb822 sources for `suite`, its updates and its security suite.

    Empty if the machine is no Debian or has no security suite: mmdebstrap then takes its own defaults, which have one.
    """
    own = own_codename()
    listed = output(
        "apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)", "Created-By: Packages"
    )
    suites: dict[str, list[str]] = defaultdict(list)
    for line in listed.splitlines():
        uri, release, component, origin = [*line.split(), ""][:4]
        # An index that was never fetched has no origin yet: apt then prints the name of the field.
        if component == "main" and origin in ("Debian", "$(ORIGIN)", ""):
            branch = release.removeprefix(own)
            if branch in ("", "-updates", "-security") and release.startswith(own):
                suites[uri].append(suite + branch)
    if not any(name.endswith("-security") for names in suites.values() for name in names):
        return ""
    return "\n".join(stanza(uri, names) for uri, names in suites.items())


def stanza(uri: str, suites: list[str]) -> str:
    """One deb822 paragraph."""
    return f"Types: deb\nURIs: {uri}\nSuites: {' '.join(suites)}\nComponents: main\nSigned-By: {KEYRING}\n"


def apt_options() -> str:
    """The lines of `apt-config dump` that a host needs to reach the same mirrors."""
    lines = [line for line in output("apt-config", "dump").splitlines() if CARRIED.match(line)]
    return "".join(f"{line}\n" for line in lines)
