"""Does a second deploy find nothing to do? (How long each takes is in the last line of ./run demo.)"""

from __future__ import annotations

from tests.support.hosts import Deployed


def test_second_deploy_changes_nothing(deployment: Deployed) -> None:
    assert deployment.second.changed == ()
