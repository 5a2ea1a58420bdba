"""SRT leaves a host whose spec no longer has it, and never under a caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deploys import srt
from deploys.facts.files import MissingPaths
from deploys.facts.units import LiveCallers, Units, UnitState
from deploys.site import Site
from group_data import all as data
from headend.layout import Layout
from headend.loader import load_spec
from headend.model.spec import Ingest, Srt
from headend.render import render_role
from testbed.places import ROOT

LAYOUT = Layout.from_data(vars(data))
HERE = Site(roles=("ingest", "control"), layout=LAYOUT, slugs=("demo",), srt=False, artifacts=())
FILES = srt.files(LAYOUT.config_dir)
RUNNING = {unit: UnitState(active="active", enabled=True) for unit in srt.UNITS}
STOP = "systemctl stop -- nginx@srt.service srt-remux.socket 'srt-remux@*.service'"
DISABLE = "systemctl disable --quiet -- nginx@srt.service srt-remux.socket"
REMOVE = f"rm -f -- {' '.join(FILES)} /applied/nginx@srt.service /applied/srt-remux.socket"
FOLDERS = f"rmdir --ignore-fail-on-non-empty -- {' '.join(srt.DROP_IN_FOLDERS)} 2>/dev/null; true"
ALL = [STOP, DISABLE, REMOVE, FOLDERS, "systemctl daemon-reload"]

CASES: list[tuple[str, tuple[str, ...], dict[str, UnitState], list[str] | None, bool, list[str]]] = [
    ("never_had_it_noop", FILES, {}, None, False, []),
    ("nobody_calls", (), RUNNING, [], False, ALL),
    ("a_caller_defers_it", (), RUNNING, ["demo"], False, []),
    ("silent_stat_page_defers_it", (), RUNNING, None, False, []),
    ("an_operator_may_cut_a_show", (), RUNNING, ["demo"], True, ALL),
    (
        "interrupted_is_finished",
        FILES[:-1],
        {},
        None,
        False,
        ["systemctl stop --  'srt-remux@*.service'", REMOVE.replace(" ".join(FILES), FILES[-1]), *ALL[3:]],
    ),
]


@pytest.mark.parametrize(
    "missing,states,live,cut,expected", [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_commands(
    run_operation: Callable[..., Any],
    missing: tuple[str, ...],
    states: dict[str, UnitState],
    live: list[str] | None,
    cut: bool,
    expected: list[str],
) -> None:
    facts = {MissingPaths: list(missing), Units: states, LiveCallers: live}
    run = run_operation(srt.retire, facts, here=HERE, applied_dir="/applied", cut_live_streams=cut)
    assert run.commands == expected
    assert bool(run.said) or bool(expected)  # doing nothing has a reason


def test_a_deferral_says_who_calls(run_operation: Callable[..., Any]) -> None:
    facts = {MissingPaths: [], Units: RUNNING, LiveCallers: ["demo"]}
    run = run_operation(srt.retire, facts, here=HERE, applied_dir="/applied", cut_live_streams=False)
    assert run.said == ["nginx@srt.service: stop deferred, demo is live. The next deploy does it."]


def test_every_file_that_only_srt_has_is_removed() -> None:
    spec = load_spec(ROOT / "specs" / "demo.yaml")
    without = spec.model_copy(update={"ingest": Ingest(srt=Srt(enabled=False))})
    rendered = [{file.path for file in render_role(one, LAYOUT, "ingest")} for one in (spec, without)]
    assert rendered[0] - rendered[1] == set(FILES)
