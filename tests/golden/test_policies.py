"""What an archive's key must be allowed: policies in git. After a change: `python -m tests.golden.test_policies`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headend.archive_policy import lifecycle_of, policy_of
from headend.model.recordings import Archive

POLICIES = Path(__file__).parent / "policies"
KMS = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def archive(**more: Any) -> Archive:
    return Archive(bucket="live-recordings", access_key_id="AKIAIOSFODNN7EXAMPLE", secret="archive", **more)


CASES: dict[str, Any] = {
    "least": policy_of(archive()),
    "with-removal": policy_of(archive(), removal=True),
    "removed-by-age": policy_of(archive(remote_days=365)),
    "whole-bucket": policy_of(archive(prefix="")),
    "locked-in-china": policy_of(archive(object_lock="compliance", region="cn-north-1")),
    "buckets-own-key": policy_of(archive(encryption="aws:kms", region="eu-central-1")),
    "key-by-arn": policy_of(archive(encryption="aws:kms", region="eu-central-1", kms_key_id=KMS)),
    "key-by-alias": policy_of(archive(encryption="aws:kms", region="eu-central-1", kms_key_id="alias/recordings")),
    "key-of-another-store": policy_of(
        archive(encryption="aws:kms", endpoint="https://s3.example.org", kms_key_id="k1")
    ),
    "lifecycle": lifecycle_of(archive()),
    "lifecycle-whole-bucket": lifecycle_of(archive(prefix="")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_policy_is_as_git_has_it(name: str) -> None:
    assert CASES[name] == json.loads((POLICIES / f"{name}.json").read_text())


def test_git_has_no_policy_more() -> None:
    assert {path.stem for path in POLICIES.iterdir()} == set(CASES)


def actions(policy: Any) -> set[str]:
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def test_nothing_is_allowed_that_the_spec_does_not_need() -> None:
    least = actions(CASES["least"])
    assert not [action for action in least if "Delete" in action or "Retention" in action or action.startswith("kms")]
    assert not [
        action for policy in CASES.values() if "Statement" in policy for action in actions(policy) if "*" in action
    ]
    assert actions(CASES["with-removal"]) - least == actions(CASES["removed-by-age"]) - least == {"s3:DeleteObject"}
    assert actions(CASES["locked-in-china"]) - least == {"s3:PutObjectRetention"}
    assert actions(CASES["buckets-own-key"]) - least == {"kms:GenerateDataKey", "kms:Decrypt"}


def test_nothing_beside_the_prefix_is_allowed_but_to_see_which_uploads_are_under_way() -> None:
    for statement in CASES["with-removal"]["Statement"]:
        on_objects = statement["Resource"] == "arn:aws:s3:::live-recordings/recordings/*"
        # Amazon's knows no condition for it.
        sees_uploads = statement["Action"] == ["s3:ListBucketMultipartUploads"]
        narrowed = statement.get("Condition") == {"StringLike": {"s3:prefix": "recordings/*"}}
        assert on_objects or sees_uploads or narrowed


def test_the_prefix_is_a_condition_only_of_what_knows_one() -> None:
    """With a key in a condition that a request does not have nothing is allowed at all."""
    for policy in CASES.values():
        for statement in policy.get("Statement", ()):
            if "s3:prefix" in str(statement.get("Condition")):
                assert statement["Action"] == ["s3:ListBucket"]


if __name__ == "__main__":
    POLICIES.mkdir(exist_ok=True)
    for name, policy in CASES.items():
        (POLICIES / f"{name}.json").write_text(json.dumps(policy, indent=2) + "\n")
