"""Rules of the ingest: networks that exist, and at least one that may publish."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_interface, ip_network

from headend.fault import Fault, Location
from headend.networks import Network, covers
from headend.parts import Parts
from headend.patterns import wrong_network
from headend.places import Places


def ingest_faults(parts: Parts, places: Places) -> Iterator[Fault]:
    """Faults of those networks that could be read."""
    allowed: list[Network] = []
    denied: list[Network] = []
    for texts, found in ((parts.allow_publish, allowed), (parts.deny_publish, denied)):
        for location, text in texts:
            network = read_network(text)
            if network is None or str(network) != text.lower():
                yield network_fault(location, text, network, places)
            if network is not None:
                found.append(network)
    if allowed and all(any(covers(deny, allow) for deny in denied) for allow in allowed):
        fault = "nobody can publish: every network of allow_publish is denied here"
        yield places.fault_at_key(("ingest", "deny_publish"), fault, "Deny less, or allow a network that is not denied")


def read_network(text: str) -> Network | None:
    """The network that a text means, its host bits cleared; None when it means none."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def network_fault(location: Location, text: str, network: Network | None, places: Places) -> Fault:
    if network is None:
        return places.fault_at_value(location, *wrong_network(text))
    if ip_interface(text).ip != network.network_address:
        return places.fault_at_value(location, f"{text} is not the start of its network", f"Write {network}")
    return places.fault_at_value(location, f"{text} is not written in the usual form", f"Write {network}")
