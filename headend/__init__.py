"""Headend's pure room: a ladder spec becomes a typed model, and the model becomes text.

Nothing in here touches the network, the clock, the environment or pyinfra; only `headend.cli` reads and writes files.
"""

__version__ = "0.1.0"
