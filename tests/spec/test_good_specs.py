"""Are the specs in the house right, complete, and what editors are told?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headend.keys import Key, spec_keys
from headend.loader import load_spec, load_with_places
from headend.model.announcements import Announcements
from headend.model.ladder import Ladder
from headend.model.recordings import Recordings
from headend.model.spec import Events, Ingest, Retention, Stream
from headend.patterns import of_pattern
from headend.reference import reference_text
from headend.schema import schema_text, spec_schema, webhook_schema_text
from headend.yaml_tree import plain
from tests.spec.broken import CASES

EXAMPLE = Path("specs/example.yaml")
SPECS = sorted(Path("specs").rglob("*.yaml"))
each_spec = pytest.mark.parametrize("path", SPECS, ids=str)


def validate(data: object) -> None:
    jsonschema.Draft7Validator(spec_schema()).validate(data)


@each_spec
def test_a_spec_of_the_house_has_no_fault(path: Path) -> None:
    assert load_spec(path).streams


@each_spec
def test_a_spec_of_the_house_fits_the_json_schema(path: Path) -> None:
    validate(plain(load_with_places(path)[1].root))


@each_spec
def test_a_spec_names_the_schema_in_its_first_line(path: Path) -> None:
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", path.read_text(encoding="utf-8").splitlines()[0])
    assert found
    assert (path.parent / found[1]).resolve() == Path("specs/headend.schema.json").resolve()


def test_the_example_is_the_default_of_everything() -> None:
    spec = load_spec(EXAMPLE)
    assert spec.ladders == {"default": Ladder()}
    assert spec.ingest == Ingest()
    assert spec.events == Events()
    assert spec.retention == Retention()
    assert spec.announcements == Announcements()
    assert spec.recordings == Recordings()
    assert spec.site.time_zone == "UTC"
    assert spec.streams == (Stream(slug="coffee-and-stocks", title="Coffee & Stocks"),)


EMPTY = ("ingest.deny_publish[]", "announcements.hashtags[]", "announcements.outbound.allow[]")
"""What a list that is empty by default would hold."""


def in_a_comment(key: Key) -> bool:
    """Whether it is of a destination, of which there is none by default, or has no default, and a comment shows it."""
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line.lstrip().startswith("#")]
    if key.path == "announcements.destinations[]" or key.path.endswith("[]"):
        return key.path.startswith("announcements.destinations[]")
    bare = {"announcements.templates", "announcements.call_to_action_url", "recordings.replay.public_url"}
    if key.path not in bare and not key.path.startswith(("announcements.destinations[].", "recordings.archive.")):
        return False
    return any(re.match(rf"\s*#\s+(- )?{key.name}:", line) for line in lines)


def test_the_example_shows_every_key() -> None:
    _, places = load_with_places(EXAMPLE)
    here = {"<name>": "default", "[]": 0}
    missing = []
    for key in spec_keys().walk():
        parts = re.findall(r"<name>|\[\]|[a-z_]+", key.path)
        location = tuple(here.get(part, part) for part in parts)
        # The source is shown as a comment, because a spec with one has other defaults.
        shown = places.has(location) or ".source." in key.path or key.path in EMPTY or in_a_comment(key)
        missing += [] if shown else [key.path]
    assert missing == []


@pytest.mark.parametrize("key", [key for key in spec_keys().walk() if ".source." in key.path], ids=lambda key: key.path)
def test_the_example_shows_every_key_of_the_source_in_a_comment(key: Key) -> None:
    assert f"#   {key.name}: {key.example}" in EXAMPLE.read_text(encoding="utf-8")


def test_the_example_names_every_range_and_choice() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for key in spec_keys().walk():
        if key.choices:
            assert key.allowed in text, key.path
        elif "maximum" in key.rules:
            assert str(key.rules["maximum"]) in text, key.path


def test_the_example_shows_the_archives_defaults() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for key in next(key for key in spec_keys().walk() if key.path == "recordings.archive").children.values():
        shown = next(line for line in lines if re.match(rf"  #   {key.name}: ", line))
        value = key.example if key.required or key.default is None else key.default_text
        assert shown.split(": ", 1)[1].split("  ")[0].strip('"') == value, key.path


def test_every_pattern_has_its_sentence() -> None:
    for key in spec_keys().walk():
        if "pattern" in key.rules:
            assert all(of_pattern(key.path, key.name)("?")), key.path


def test_every_key_has_a_meaning_and_every_value_an_example() -> None:
    for key in spec_keys().walk():
        inside_list = key.path.endswith(("[]", ">"))
        assert key.meaning or inside_list or not key.path, key.path
        assert key.example or key.kind in ("mapping", "list") or inside_list, key.path


def test_the_committed_schema_is_the_models() -> None:
    committed = Path("specs/headend.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "run: headend schema --write"


def test_the_committed_schema_of_webhooks_is_the_models() -> None:
    committed = Path("docs/webhook.schema.json").read_text(encoding="utf-8")
    assert committed == webhook_schema_text(), "run: headend schema --write"


def test_the_committed_reference_is_the_models() -> None:
    assert Path("docs/reference.md").read_text(encoding="utf-8") == reference_text(), "run: headend schema --write"


def test_the_schema_is_valid_draft_07() -> None:
    jsonschema.Draft7Validator.check_schema(spec_schema())


def test_the_schema_refuses_unknown_keys_everywhere() -> None:
    open_objects = [path for path, part in walk(spec_schema(), "") if is_open(part)]
    assert open_objects == []


def is_open(part: dict[str, Any]) -> bool:
    return part.get("type") == "object" and part.get("additionalProperties") is not False


def walk(value: Any, path: str) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in walk(item, f"{path}/{index}")]
    if not isinstance(value, dict):
        return []
    inner = [found for key, item in value.items() if key != "default" for found in walk(item, f"{path}/{key}")]
    return [(path, value), *inner]


# What the schema's language cannot say: rules between values, YAML itself, and the lists of time zones and networks.
SEEN_BY_EDITORS = (
    "a mistyped required key is one fault",
    "a number in quotes",
    "a port below 1024",
    "an unknown profile",
)


@pytest.mark.parametrize("name", SEEN_BY_EDITORS)
def test_an_editor_sees_what_the_schema_can_say(name: str, tmp_path: Path) -> None:
    from ruamel.yaml import YAML

    case = next(case for case in CASES if case.name == name)
    data = json.loads(json.dumps(YAML(typ="safe", pure=True).load(case.text)))
    with pytest.raises(jsonschema.ValidationError):
        validate(data)
