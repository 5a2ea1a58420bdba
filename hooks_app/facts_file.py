"""Reading the rendered facts."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from headend.model.facts import HookFacts

FACTS = Path("/etc/headend/hooks_app.json")


class FactsError(Exception):
    """The facts file is missing or wrong; the message is one line for people."""


def load_facts(path: Path) -> HookFacts:
    """The facts of this host. Raises FactsError."""
    try:
        return HookFacts.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FactsError(f"{path}: {error.strerror}. A deploy of the control role writes it.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FactsError(f"{path} {place}: {first['msg']}. Deploy again; the file is generated.") from error
