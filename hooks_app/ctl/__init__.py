"""`headend-ctl`: the verbs of the API for people on the host."""

from hooks_app.ctl.app import main

__all__ = ["main"]
