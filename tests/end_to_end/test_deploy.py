"""Is a bare host deployed in time, and does a second deploy find nothing to do?"""

from __future__ import annotations

import pytest

from tests.support.hosts import Deployed


def test_bare_host_is_deployed_in_time(deployment: Deployed) -> None:
    if not deployment.was_bare:
        pytest.skip("the host was up before this session")
    assert deployment.first.seconds <= 240


def test_second_deploy_changes_nothing(deployment: Deployed) -> None:
    assert deployment.second.changed == ()
    assert deployment.second.seconds <= 20
