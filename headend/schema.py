"""JSON Schemas, generated from the models and committed: of a spec, for editors; of a webhook, for who receives it."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from headend.announcing.payload import Payload
from headend.model.spec import Spec

# yaml-language-server validates draft-07; nothing the model uses differs from 2020-12, except that draft-07 ignores
# every word beside a $ref, which is why such pairs are wrapped in allOf.
DIALECT = "http://json-schema.org/draft-07/schema#"

Json = dict[str, Any]


class PlainTitles(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes from field names: the names themselves are better."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def spec_schema() -> Json:
    """The JSON Schema as plain data."""
    schema = Spec.model_json_schema(schema_generator=PlainTitles)
    schema = {"$schema": DIALECT, **for_editors(schema)}
    return {**schema, "title": "Headend spec", "description": "What a live-video origin serves: one file."}


def webhook_schema_text() -> str:
    """The JSON Schema of what a signed webhook carries, as it is committed."""
    schema = Payload.model_json_schema(schema_generator=PlainTitles, mode="serialization")
    whole = {"$schema": DIALECT, **_open(for_editors(schema)), "title": "Headend webhook"}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _open(value: Any) -> Any:
    """The same schema for a reader: a later release may add fields."""
    if isinstance(value, list):
        return [_open(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _open(item) for key, item in value.items() if not (key == "additionalProperties" and item is False)}


def schema_text() -> str:
    """The committed form: indented, in the model's order."""
    return json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n"


def for_editors(value: Any) -> Any:
    """The same schema with every $ref that has neighbours moved into allOf, and no name outside a pattern allowed."""
    if isinstance(value, list):
        return [for_editors(item) for item in value]
    if not isinstance(value, dict):
        return value
    wrapped = {key: for_editors(item) for key, item in value.items()}
    if "patternProperties" in wrapped:
        wrapped["additionalProperties"] = False
    if "$ref" in wrapped and len(wrapped) > 1:
        reference = wrapped.pop("$ref")
        return {"allOf": [{"$ref": reference}], **wrapped}
    return wrapped
