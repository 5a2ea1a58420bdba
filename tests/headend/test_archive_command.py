"""`headend archive policy`: JSON and nothing else, or one line that says why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from headend.archive_policy import ABORT_DAYS, NONCURRENT_DAYS
from headend.cli.app import app
from headend.cli.output import Code

SPEC = "specs/samples/recorded.yaml"


def policy(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["archive", "policy", *arguments])


def test_what_is_printed_can_be_given_to_the_store_as_it_is() -> None:
    result = policy(SPEC)
    assert result.exit_code == Code.OK
    assert json.loads(result.stdout)["Version"] == "2012-10-17"
    # The sample removes by age.
    assert "s3:DeleteObject" in result.stdout


def test_the_lifecycle_rules_are_for_the_prefix_alone() -> None:
    uploads, versions = json.loads(policy(SPEC, "--lifecycle").stdout)["Rules"]
    assert uploads["Filter"] == versions["Filter"] == {"Prefix": "recordings/"}
    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": ABORT_DAYS}


def test_what_was_removed_of_a_bucket_with_versions_goes_for_good() -> None:
    _, versions = json.loads(policy(SPEC, "--lifecycle").stdout)["Rules"]
    assert versions["NoncurrentVersionExpiration"] == {"NoncurrentDays": NONCURRENT_DAYS}
    assert versions["Expiration"] == {"ExpiredObjectDeleteMarker": True}


def test_json_says_that_it_is_well() -> None:
    answer = json.loads(policy(SPEC, "--with-removal", "--json").stdout)
    assert answer["ok"] is True
    assert answer["policy"] == json.loads(policy(SPEC, "--with-removal").stdout)


@pytest.mark.parametrize(
    "arguments, code, line",
    [
        (("specs/demo.yaml",), Code.USAGE, "The spec has no recordings.archive. See specs/example.yaml."),
        ((SPEC, "--lifecycle", "--with-removal"), Code.USAGE, "Use --with-removal or --lifecycle, not both."),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], code: Code, line: str) -> None:
    result = policy(*arguments)
    assert (result.exit_code, result.output) == (code, f"{line}\n")
    answer = json.loads(policy(*arguments, "--json").stdout)
    assert answer == {"ok": False, "error": line}


def test_a_spec_with_faults_has_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("site: {}\n")
    assert policy(str(path)).exit_code == Code.FAULTS


def test_the_group_alone_shows_its_help() -> None:
    result = CliRunner().invoke(app, ["archive"])
    assert result.exit_code == Code.USAGE
    assert "policy" in result.output
