"""What exactly is asked of systemd?"""

from __future__ import annotations

from pathlib import Path

import pytest

from hooks_app.units import Systemctl, UnitError, parse_show

SHOW = """Id=ffmpeg@demo.service
ActiveState=active

ActiveState=activating
Id=ffmpeg@coffee-and-stocks.service

Id=ffmpeg@failed.service
ActiveState=failed

Id=ffmpeg@..x2fetc.service
ActiveState=active
"""


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that writes down its arguments and answers with the file `show`."""
    program = tmp_path / "systemctl"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/argv\ncat {tmp_path}/show\n[ ! -e {tmp_path}/fail ]\n'
    )
    program.chmod(0o755)
    (tmp_path / "show").write_text(SHOW)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize("verb", ["restart", "stop"])
def test_a_verb_never_asks_for_a_password_and_never_waits(systemctl: Path, verb: str) -> None:
    getattr(Systemctl(), verb)("demo")
    argv = (systemctl / "argv").read_text().split()
    assert argv == ["--no-ask-password", verb, "--no-block", "ffmpeg@demo.service"]


def test_running_encoders_are_those_that_are_up_or_on_their_way(systemctl: Path) -> None:
    assert Systemctl().running() == {"demo", "coffee-and-stocks"}
    argv = (systemctl / "argv").read_text().split()
    assert argv == ["--no-ask-password", "show", "--property=Id,ActiveState", "ffmpeg@*.service"]


def test_no_unit_at_all_is_nothing_running() -> None:
    assert list(parse_show("")) == []


def test_a_unit_that_no_slug_names_is_not_ours() -> None:
    assert [slug for slug, _ in parse_show(SHOW)] == ["demo", "coffee-and-stocks", "failed"]


def test_a_refusal_is_an_error(systemctl: Path) -> None:
    (systemctl / "fail").touch()
    with pytest.raises(UnitError):
        Systemctl().restart("demo")


def test_a_missing_systemctl_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UnitError):
        Systemctl().running()
