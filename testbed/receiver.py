"""Who hears the announcements of a laboratory host: a receiver of Discord's shape and one of signed webhooks, on it.

They are one program of the standard library, which runs there as a user of its own and writes a line of JSON for each
request. It checks signatures itself, by the published text of Standard Webhooks, not with Headend's code.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from testbed.host import Host
from testbed.places import cache_dir

PORT = 9980
UNIT = "receiver"
SCRIPT = Path(__file__).with_name("receiver_script.py")
LOG = "/run/receiver/received.jsonl"
DISCORD, SITE = "demo-discord", "demo-site"
"""Names of the secrets in specs/demo.yaml."""


@dataclass(frozen=True, slots=True)
class Received:
    """An announcement that arrived."""

    destination: str
    occasion: str
    title: str
    at: float
    """On the monotonic clock, which a host shares with this machine."""
    genuine: bool
    """Signed by the key that both know; a post of Discord's shape has its secret in the address."""


def secrets_folder() -> Path:
    """The operator's folder of secrets, made at first use."""
    folder = cache_dir() / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    made = {
        DISCORD: f"http://127.0.0.1:{PORT}/api/webhooks/1/{secrets.token_urlsafe(24)}",
        SITE: f"whsec_{b64encode(secrets.token_bytes(32)).decode()}",
    }
    for name, text in made.items():
        if not (folder / name).exists():
            (folder / name).write_text(text + "\n")
            (folder / name).chmod(0o600)
    return folder


def start(host: Host) -> None:
    """The receivers run on the host; those of an earlier run go on. Raises TestbedError."""
    if host.run(["systemctl", "is-active", "--quiet", UNIT], check=False).returncode == 0:
        return
    host.run(["sh", "-c", "cat >/usr/local/lib/receiver.py"], stdin=SCRIPT.read_text())
    keys = secrets_folder()
    given = json.dumps({name: (keys / name).read_text().strip() for name in (DISCORD, SITE)})
    host.run(["sh", "-c", "umask 077; cat >/run/receiver.keys"], stdin=given)
    sandbox = ("DynamicUser=yes", "RuntimeDirectory=receiver", "RuntimeDirectoryMode=0755", "UMask=0022")
    properties = (*sandbox, "LoadCredential=keys:/run/receiver.keys")
    host.run(
        [
            "systemd-run",
            "--quiet",
            f"--unit={UNIT}",
            *(f"--property={one}" for one in properties),
            "python3",
            "/usr/local/lib/receiver.py",
            str(PORT),
            LOG,
        ]
    )


def received(host: Host, since: float = 0.0) -> list[Received]:
    """What has arrived after a moment on the monotonic clock."""
    lines = host.shell(f"cat {LOG} 2>/dev/null || true").splitlines()
    return [one for line in lines if (one := Received(**json.loads(line))).at >= since]
