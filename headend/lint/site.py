"""Rules of the site: a port that exists and a time zone that exists."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from urllib.parse import urlsplit

from headend.fault import Fault
from headend.near import nearest
from headend.parts import Parts
from headend.patterns import wrong_time_zone
from headend.places import Places

PORT_MAXIMUM = 65_535


def site_faults(parts: Parts, places: Places) -> Iterator[Fault]:
    """Faults of those of the site's values that could be read."""
    for location, url in parts.public_url:
        if problem := url_problem(url):
            yield places.fault_at_value(location, *problem)
    for location, name in parts.time_zone:
        if problem := zone_problem(name):
            yield places.fault_at_value(location, *problem)


def url_problem(url: str) -> tuple[str, str] | None:
    try:
        port = urlsplit(url).port
    except ValueError:  # urlsplit's word for a port above the highest and for a broken IPv6 address
        return f"not a valid host or port (ports end at {PORT_MAXIMUM})", "Correct it, or leave the port out"
    if port == (443 if url.startswith("https") else 80):
        return f"port {port} goes without saying", f"Write {url.removesuffix(f':{port}')}"
    return None


def zone_problem(name: str) -> tuple[str, str] | None:
    zones = zoneinfo.available_timezones()
    # A machine without a time zone database cannot judge; then the grammar of the model is all that is checked.
    if not zones or name in zones:
        return None
    fault, remedy = wrong_time_zone(name)
    near = nearest(name, zones)
    return fault, f"Did you mean '{near}'?" if near else remedy
