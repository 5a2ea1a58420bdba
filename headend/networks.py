"""Networks: what is left of those that may publish without those that may not."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

Network = IPv4Network | IPv6Network

EVERYBODY = ("0.0.0.0/0", "::/0")


def permitted(allowed: Iterable[str], denied: Iterable[str]) -> tuple[str, ...]:
    """The fewest networks that hold every allowed address but no denied one. IPv4 comes first."""
    left = [ip_network(text) for text in allowed]
    for text in denied:
        hole = ip_network(text)
        left = [part for network in left for part in without(network, hole)]
    fours = collapse_addresses(network for network in left if isinstance(network, IPv4Network))
    sixes = collapse_addresses(network for network in left if isinstance(network, IPv6Network))
    return tuple(map(str, (*fours, *sixes)))


def without(network: Network, hole: Network) -> Iterable[Network]:
    """What a network holds beside another one."""
    if covers(hole, network):
        return ()
    if isinstance(network, IPv4Network) and isinstance(hole, IPv4Network) and hole.subnet_of(network):
        return network.address_exclude(hole)
    if isinstance(network, IPv6Network) and isinstance(hole, IPv6Network) and hole.subnet_of(network):
        return network.address_exclude(hole)
    return (network,)


def covers(outer: Network, inner: Network) -> bool:
    """Whether the first network holds the second."""
    if isinstance(outer, IPv4Network) and isinstance(inner, IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and isinstance(inner, IPv6Network) and inner.subnet_of(outer)
