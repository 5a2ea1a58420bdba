"""What every model of the spec shares: frozen, strict, closed."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# One grammar for a stream's public name, everywhere: spec, hook, unit instance, path (design.md §2.4).
SLUG_PATTERN = r"[a-z0-9][a-z0-9-]{0,39}"

Slug = Annotated[str, Field(pattern=rf"^{SLUG_PATTERN}$")]


class Model(BaseModel):
    """Frozen and strict: no coercion ("30" is not 30), no unknown key, no change after loading."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", validate_default=True, use_attribute_docstrings=True
    )
