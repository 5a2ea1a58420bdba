"""What a refused publisher must not leave behind on a host: files, rows, units, encoders."""

from __future__ import annotations

from dataclasses import dataclass

from testbed.host import Host
from tests.support.remuxers import units_started

# Without the backups: their timer takes one every ten minutes, whoever was refused meanwhile.
FILES = (
    "find /etc/headend /srv/headend /var/lib/headend /etc/systemd /run/systemd/system"
    " -path /var/lib/headend/backup -prune -o -printf '%p\\n' | sort"
)
UNITS = "systemctl list-units --all --plain --no-legend 'ffmpeg@*' 'srt-remux@*' | cut -d' ' -f1 | sort"
ROWS = """
import sqlite3
db = sqlite3.connect("file:/var/lib/headend/hooks/state.sqlite3?mode=ro", uri=True)
tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table' order by name")]
for table in tables:
    print(table, db.execute(f'select count(*) from "{table}"').fetchone()[0])
"""


@dataclass(frozen=True, slots=True)
class Traces:
    """Everything at one moment."""

    files: str
    units: str
    rows: str
    encoders: str
    remuxers_started: int


def traces(host: Host) -> Traces:
    """What is there now."""
    return Traces(
        files=host.shell(FILES),
        units=host.shell(UNITS),
        rows=host.run(["/opt/headend/app/current/bin/python", "-c", ROWS]).stdout,
        encoders=host.shell("pgrep -x ffmpeg", check=False),
        remuxers_started=units_started(host),
    )
