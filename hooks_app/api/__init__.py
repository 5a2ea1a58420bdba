"""The API under /api/v1: what is on air for everybody, and its planning and running for those who may."""

from hooks_app.api.routes import build

__all__ = ["build"]
