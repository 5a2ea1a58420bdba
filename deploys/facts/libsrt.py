"""The libsrt that nginx@srt would load on a host."""

from __future__ import annotations

from dataclasses import dataclass

from pyinfra.api import FactBase

from headend import libsrt


@dataclass(frozen=True, slots=True, kw_only=True)
class LibsrtState:
    """The installed revision, and the oldest that may face the internet."""

    version: str
    minimum: str
    ok: bool

    @property
    def problem(self) -> str | None:
        """What is wrong and what to do, in one line; None when the revision is new enough."""
        if self.ok:
            return None
        return (
            f"libsrt {self.version} is older than {self.minimum}, which fixes flaws that strangers can use. "
            f"Run apt-get update, then apt-get install {libsrt.PACKAGE}, then deploy"
        )


class Libsrt(FactBase[LibsrtState | None]):
    """The state of libsrt by dpkg's own comparison; None where it is not installed."""

    def command(self) -> str:
        cases = " ".join(f"{release}) minimum={version};;" for release, version in libsrt.MINIMUM.items())
        return (
            f". /etc/os-release; case $VERSION_CODENAME in {cases} *) minimum={libsrt.NEWEST};; esac;"
            f" version=$(dpkg-query -W -f '${{db:Status-Status}} ${{Version}}' {libsrt.PACKAGE} 2>/dev/null);"
            ' case $version in "installed "*) version=${version#* };'
            ' dpkg --compare-versions "$version" ge "$minimum" && ok=yes || ok=no;'
            ' echo "$version $minimum $ok";; esac'
        )

    def process(self, output: list[str]) -> LibsrtState | None:
        version, minimum, ok = output[0].split()
        return LibsrtState(version=version, minimum=minimum, ok=ok == "yes")
