"""Recordings: collected, finished, moved to the object store, verified there, and only then removed here."""
