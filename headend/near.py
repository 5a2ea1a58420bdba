"""The nearest known word to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

# Below this, difflib proposes words that nobody meant; cibuildwheel uses the same.
CUTOFF = 0.7


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, None when nothing is near. Case, - and _ do not count."""
    by_form = {form(name): name for name in known}
    if len(word) > 100:
        return None
    found = get_close_matches(form(word), by_form, n=1, cutoff=CUTOFF)
    return by_form[found[0]] if found else None


def form(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")
