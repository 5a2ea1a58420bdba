"""What does the polkit rule answer? Run by a JavaScript engine, with polkit's part played by a table."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from headend.encoder_files import polkit_rule

POLKIT = """
const rules = [];
const polkit = { addRule: (rule) => rules.push(rule), Result: { YES: "yes", NOT_HANDLED: "not handled" } };
"""
ASK = """
const { id, user, details } = JSON.parse(process.argv[2]);
const action = { id, lookup: (name) => details[name] };
console.log(rules[0](action, { user }));
"""
MANAGE = "org.freedesktop.systemd1.manage-units"


@pytest.fixture(scope="module")
def rule(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of the rule as a program."""
    path = tmp_path_factory.mktemp("polkit") / "rule.js"
    path.write_text(POLKIT + polkit_rule(records=True).text + ASK)
    return str(path)


def answer(
    rule: str, unit: str | None, verb: str = "start", *, user: str = "headend-hooks", action: str = MANAGE
) -> str:
    details = {"verb": verb} if unit is None else {"unit": unit, "verb": verb}
    question = json.dumps({"id": action, "user": user, "details": details})
    return subprocess.run(["node", rule, question], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
@pytest.mark.parametrize("template", ["ffmpeg", "hls-end"])
def test_encoders_and_end_tags_of_any_stream(template: str, verb: str, rule: str) -> None:
    for slug in ("demo", "a", "0", "coffee-and-stocks", "a-", "9" * 40):
        assert answer(rule, f"{template}@{slug}.service", verb) == "yes"


UNITS = {
    "other_unit": "nginx@web.service",
    "own_unit": "headend-hooks.service",
    "other_template": "srt-remux@demo.service",
    "the_template_itself": "ffmpeg@.service",
    "no_template": "ffmpeg.service",
    "longer_name": "xffmpeg@demo.service",
    "escaped_hyphen": r"ffmpeg@a\x2db.service",
    "escaped_slash": r"ffmpeg@demo\x2fx.service",
    "newline_after": "ffmpeg@demo.service\n",
    "newline_before": "\nffmpeg@demo.service",
    "newline_between": "ffmpeg@demo.service\nnginx@web.service",
    "newline_inside": "ffmpeg@demo\n.service",
    "another_after": "ffmpeg@demo.service nginx@web.service",
    "other_type": "ffmpeg@demo.socket",
    "any_character_for_the_dot": "ffmpeg@demoxservice",
    "no_type": "ffmpeg@demo",
    "capitals": "ffmpeg@Demo.service",
    "hyphen_first": "ffmpeg@-demo.service",
    "dots": "ffmpeg@...service",
    "slash": "ffmpeg@../demo.service",
    "at": "ffmpeg@demo@demo.service",
    "underline": "ffmpeg@de_mo.service",
    "umlaut": "ffmpeg@dämo.service",
    "too_long": f"ffmpeg@{'a' * 41}.service",
    "glob": "ffmpeg@*.service",
    "empty": "",
    "unknown_to_systemd": None,
}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_no_other_unit(unit: str | None, rule: str) -> None:
    assert answer(rule, unit) == "not handled"


@pytest.mark.parametrize(
    "verb",
    ["kill", "set-property", "reload", "reload-or-restart", "try-restart", "reset-failed", "freeze", "", "START"],
)
def test_no_other_verb(verb: str, rule: str) -> None:
    assert answer(rule, "ffmpeg@demo.service", verb) == "not handled"


@pytest.mark.parametrize("user", ["headend-web", "headend-encoder", "root", "", "headend-hooks2"])
def test_nobody_else(user: str, rule: str) -> None:
    assert answer(rule, "ffmpeg@demo.service", user=user) == "not handled"


@pytest.mark.parametrize(
    "action",
    [
        "org.freedesktop.systemd1.manage-unit-files",
        "org.freedesktop.systemd1.reload-daemon",
        "org.freedesktop.systemd1.set-environment",
        "org.freedesktop.login1.reboot",
        "",
    ],
)
def test_no_other_action(action: str, rule: str) -> None:
    assert answer(rule, "ffmpeg@demo.service", action=action) == "not handled"


@pytest.mark.parametrize("verb", ["start", "stop"])
@pytest.mark.parametrize("number", ["1", "42", "999999999999999999"])
def test_the_archiver_starts_and_stops_the_finisher_of_any_recording(number: str, verb: str, rule: str) -> None:
    assert answer(rule, f"headend-finish@{number}.service", verb, user="headend-archive") == "yes"


@pytest.mark.parametrize(
    "unit",
    [
        "ffmpeg@demo.service",
        "hls-end@demo.service",
        "headend-hooks.service",
        "headend-finish@.service",
        "headend-finish@demo.service",
        "headend-finish@0.service",
        "headend-finish@07.service",
        "headend-finish@-1.service",
        "headend-finish@1\n.service",
        "headend-finish@1.service\n",
        "headend-finish@1.service nginx@web.service",
        "headend-finish@1x.service",
        "headend-finish@1.socket",
        "xheadend-finish@1.service",
        "headend-finish@٣.service",
        f"headend-finish@{'9' * 19}.service",
        "",
    ],
)
def test_the_archiver_starts_nothing_else(unit: str, rule: str) -> None:
    assert answer(rule, unit, user="headend-archive") == "not handled"


@pytest.mark.parametrize("verb", ["restart", "kill", "reload", "set-property", ""])
def test_the_archiver_has_no_other_verb(verb: str, rule: str) -> None:
    assert answer(rule, "headend-finish@1.service", verb, user="headend-archive") == "not handled"


def test_the_hook_app_starts_no_finisher(rule: str) -> None:
    assert answer(rule, "headend-finish@1.service") == "not handled"


def test_where_nothing_is_recorded_the_archivers_user_may_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rule.js"
    path.write_text(POLKIT + polkit_rule(records=False).text + ASK)
    assert answer(str(path), "headend-finish@1.service", user="headend-archive") == "not handled"
    assert answer(str(path), "ffmpeg@demo.service") == "yes"
