"""What goes wrong in the laboratory, as one sentence for a person."""

from __future__ import annotations


class TestbedError(Exception):
    """`place path: fault. remedy`, in one line."""

    __test__ = False  # the name begins like a test class; pytest is told that it is none
