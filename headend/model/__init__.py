"""The typed model of a spec. The one part of `headend` that the hook app may import."""
