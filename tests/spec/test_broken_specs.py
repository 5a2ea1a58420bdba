"""Does a broken spec get the right sentences: place, path, fault, remedy?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headend.cli.app import app
from headend.fault import SpecError
from headend.loader import load_spec
from tests.spec.broken import CASES
from tests.spec.table import Case

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture
def spec_file(case: Case, tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(case.text, encoding="utf-8")
    return path


@each_case
def test_the_loader_reports_every_fault_at_its_place(case: Case, spec_file: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file)
    assert [str(fault).removeprefix(f"{spec_file}:") for fault in caught.value.faults] == list(case.faults)


@each_case
def test_check_prints_them_and_exits_with_1(case: Case, spec_file: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(spec_file)])
    assert result.exit_code == 1
    assert result.output.splitlines() == [f"{spec_file}:{fault}" for fault in case.faults]
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


@each_case
def test_check_prints_them_as_json(case: Case, spec_file: Path) -> None:
    result = CliRunner().invoke(app, ["check", "--json", str(spec_file)])
    faults = json.loads(result.stdout)["faults"]
    places = [f"{fault['line']}:{fault['column']}" for fault in faults]
    assert places == [line.split(" ")[0].removesuffix(":") for line in case.faults]
    assert all(fault["fault"] and fault["remedy"] for fault in faults)


@each_case
def test_no_sentence_names_a_class_a_library_or_a_secret(case: Case, spec_file: Path) -> None:
    output = CliRunner().invoke(app, ["check", str(spec_file)]).output
    for word in ("pydantic", "ruamel", "tuple", "dict", "Rendition'", "hunter2", "errors.pydantic.dev"):
        assert word not in output.replace(str(spec_file), "")


def test_the_table_is_long_and_its_names_differ() -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)
