"""The layout that the house itself has, for tests that render."""

from __future__ import annotations

import runpy

from headend.layout import Layout

LAYOUT = Layout.from_data(runpy.run_path("group_data/all.py"))
