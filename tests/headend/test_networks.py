"""Which networks may publish: no allowed address is lost, no denied one is left."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.networks import EVERYBODY, permitted

CASES = [
    ("everybody", EVERYBODY, (), EVERYBODY),
    ("one network", ("203.0.113.0/24",), (), ("203.0.113.0/24",)),
    ("denied wins", ("10.0.0.0/8",), ("10.0.0.0/8",), ()),
    ("two denials that cover it together", ("10.0.0.0/8",), ("10.0.0.0/9", "10.128.0.0/9"), ()),
    ("a hole", ("203.0.113.0/30",), ("203.0.113.1/32",), ("203.0.113.0/32", "203.0.113.2/31")),
    ("another family does not count", ("10.0.0.0/8",), ("::/0",), ("10.0.0.0/8",)),
    ("neighbours become one", ("10.0.0.0/9", "10.128.0.0/9"), (), ("10.0.0.0/8",)),
    ("an outer denial", ("10.1.0.0/16", "2001:db8::/32"), ("10.0.0.0/8",), ("2001:db8::/32",)),
]


@pytest.mark.parametrize("allowed,denied,left", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_permitted(allowed: tuple[str, ...], denied: tuple[str, ...], left: tuple[str, ...]) -> None:
    assert permitted(allowed, denied) == left


networks = st.builds(
    lambda address, length: str(ip_network((address, length), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


@given(st.lists(networks, max_size=6), st.lists(networks, max_size=6), st.integers(0, 2**32 - 1))
def test_an_address_may_publish_exactly_if_it_is_allowed_and_not_denied(
    allowed: list[str], denied: list[str], number: int
) -> None:
    address = ip_address(number)
    wanted = any(address in ip_network(one) for one in allowed) and not any(
        address in ip_network(one) for one in denied
    )
    assert any(address in ip_network(one) for one in permitted(allowed, denied)) == wanted
