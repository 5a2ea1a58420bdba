"""Rules of the site: a port that exists and a time zone that exists."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from urllib.parse import urlsplit

from headend.fault import Fault
from headend.model.spec import Site
from headend.near import nearest
from headend.places import Places
from headend.sentences import wrong_time_zone

PORT_MAXIMUM = 65_535


def site_faults(site: Site | None, places: Places) -> Iterator[Fault]:
    """Faults of the site, none when it could not be read."""
    if site is None:
        return
    yield from url_faults(site, places)
    zones = zoneinfo.available_timezones()
    # A machine without a time zone database cannot judge; then the grammar of the model is all that is checked.
    if zones and site.time_zone not in zones:
        fault, remedy = wrong_time_zone(site.time_zone)
        near = nearest(site.time_zone, zones)
        yield places.fault_at_value(("site", "time_zone"), fault, f"Did you mean '{near}'?" if near else remedy)


def url_faults(site: Site, places: Places) -> Iterator[Fault]:
    try:
        port = urlsplit(site.public_url).port
    except ValueError:  # urlsplit's own words for a port above the highest and for a broken IPv6 address
        fault, remedy = f"not a valid host or port (ports end at {PORT_MAXIMUM})", "Correct it, or leave the port out"
        yield places.fault_at_value(("site", "public_url"), fault, remedy)
        return
    default = 443 if site.public_url.startswith("https") else 80
    if port == default:
        plain = site.public_url.removesuffix(f":{port}")
        yield places.fault_at_value(("site", "public_url"), f"port {port} goes without saying", f"Write {plain}")
