"""The deployed host, recorded for a while, with an object store on this machine that a test started."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.archived import recordings
from testbed.deploy import Outcome, deploy
from testbed.origin import Origin
from testbed.places import ROOT
from testbed.s3_server import Place
from tests.support.hosts import DEMO_URL, say, spec_for_tests

BUCKET = "demo-recordings"
"""As specs/demo-archive.yaml has it."""
KEPT = "/srv/headend/recordings/kept"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An origin that records, and the store that its recordings go to."""

    origin: Origin
    place: Place
    folder: Path
    pieces: bool = True
    """Whether the store marks pieces of files as such."""

    def deploy(self, *, grace_hours: int = 0) -> Outcome:
        """What specs/demo-archive.yaml says, with this store and a reserve for a small disk."""
        text = (ROOT / "specs" / "demo-archive.yaml").read_text()
        for demo, here in (
            (f"public_url: {DEMO_URL}", f"public_url: {self.origin.http}"),
            ("endpoint: http://store.test:9986", f"endpoint: {self.place.endpoint}"),
            ("access_key_id: headend:archive", f"access_key_id: {self.place.access_key_id}"),
            ("reserve_mib: 256", "reserve_mib: 16\n  vod: true"),
            ("grace_hours: 0", f"grace_hours: {grace_hours}"),
            ("mode: proxied", f"mode: proxied\n    pieces: {str(self.pieces).lower()}"),
        ):
            assert text.count(demo) == 1, demo
            text = text.replace(demo, here)
        spec, secret = self.folder / "spec.yaml", self.folder / "archive"
        spec.write_text(text)
        secret.write_text(self.place.secret + "\n")
        secret.chmod(0o600)
        return deploy(
            [self.origin.host], say, ["--data", f"spec={spec}", "--data", f"archive_secrets_dir={self.folder}"]
        )

    def newest(self) -> dict[str, Any] | None:
        """As the host's own list has it."""
        return next(iter(recordings(self.origin.host)), None)

    def wait_archived(self, after: int, seconds: float = 120.0) -> dict[str, Any]:
        """The recording that is newer than number `after`, once it is archived; AssertionError after so long."""
        end = time.monotonic() + seconds
        while not ((found := self.newest()) and found["id"] > after and found["state"] == "archived"):
            assert time.monotonic() < end, f"not archived after {seconds:.0f} s: {found}"
            time.sleep(0.5)
        return found

    def local_sha256(self, recording_id: int, name: str) -> str:
        """Of a file on the host; empty where it is not."""
        said = self.origin.host.run(["sha256sum", f"{KEPT}/{recording_id}/{name}"], check=False)
        return said.stdout.split()[0] if said.returncode == 0 else ""

    def prune(self, *, dry_run: bool) -> dict[str, Any]:
        """What a run removes, or would. The real one is the timer's unit, with its sandbox."""
        argv = ["headend-archive", "prune", "--dry-run", "--json"]
        said: dict[str, Any] = json.loads(self.origin.host.run(argv).stdout)
        if not dry_run:
            self.origin.host.run(["systemctl", "start", "headend-prune.service"])
        return said

    def object(self, key: str, into: Path) -> str:
        """Download an object; its SHA-256."""
        client = self.place.client()
        digest = hashlib.sha256()
        with into.open("wb") as out:
            for piece in client.get_object(Bucket=BUCKET, Key=key)["Body"].iter_chunks(1 << 20):
                digest.update(piece)
                out.write(piece)
        client.close()
        return digest.hexdigest()

    def object_keys(self) -> list[str]:
        """Everything in the bucket."""
        client = self.place.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        client.close()
        return keys


@contextmanager
def recorded(
    origin: Origin, place: Place, folder: Path, *, grace_hours: int = 0, pieces: bool = True
) -> Iterator[Recorded]:
    """Record from now on; in the end the host has the spec of the other tests again, which records nothing."""
    client = place.client()
    client.create_bucket(Bucket=BUCKET)
    client.close()
    origin.wait_off_air(seconds=20)
    here = Recorded(origin, place, folder, pieces)
    try:
        here.deploy(grace_hours=grace_hours)
        yield here
    finally:
        origin.wait_off_air(seconds=20)
        deploy([origin.host], say, ["--data", f"spec={spec_for_tests()}"])
