"""The oldest libsrt that may face the internet, for each Debian release.

Before these revisions any stranger who reached the UDP port could break the listener: two flaws, fixed in 2026.
"""

from __future__ import annotations

PACKAGE = "libsrt1.5-openssl"

MINIMUM = {"bookworm": "1.5.1-1+deb12u2", "trixie": "1.5.4-1+deb13u1"}
"""By Debian's code name. A release that is not here is newer and must have more than the last of them."""

NEWEST = MINIMUM["trixie"]
