"""The end of an announcer that nobody needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deploys import announcer
from deploys.facts.files import MissingPaths


def test_the_announcer_of_a_spec_without_destinations_goes(run_operation: Callable[..., Any]) -> None:
    places = {"config_dir": "/etc/headend", "applied_dir": "/var/lib/headend/applied"}
    run = run_operation(announcer.retire, {MissingPaths: ()}, **places)
    assert run.commands[0] == "systemctl disable --quiet --now -- headend-announce.service"
    assert "/etc/headend/announcer.json" in run.commands[1]
    assert run_operation(announcer.retire, {MissingPaths: (announcer.FILE,)}, **places).commands == []
