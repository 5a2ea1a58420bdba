"""An uploading process of its own, to be killed or measured: `python -m tests.support.upload_child FILE`.

FILE is JSON: archive (the model), secret (a file that holds it), journal, file (a path), file_id. It exits 0 when the
file is verified, 3 when the store could not. It prints a line when it begins, and one of JSON at the end: error,
most_resident_kib.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from headend.model.recordings import Archive
from hooks_app.archive.store import Store, StoreError
from tests.support.upload_journal import DiskJournal


def main() -> int:
    """Upload it."""
    given = json.loads(Path(sys.argv[1]).read_text())
    store = Store(Archive.model_validate(given["archive"]), Path(given["secret"]).read_text())
    journal = DiskJournal(Path(given["journal"]))
    descriptor = os.open(given["file"], os.O_RDONLY)
    error = ""
    print("begins", flush=True)
    try:
        store.upload(
            journal.file(given["file_id"]),
            descriptor,
            journal,
            metadata={"recording": str(given["file_id"]), "slug": "demo"},
            stop=lambda: False,
            progress=lambda count: None,
        )
    except StoreError as fault:
        error = str(fault)
    lines = Path("/proc/self/status").read_text().splitlines()
    most = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    print(json.dumps({"error": error, "most_resident_kib": most}), flush=True)
    return 3 if error else 0


if __name__ == "__main__":
    sys.exit(main())
