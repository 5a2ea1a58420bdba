"""Are a site's own words read, tried out, and told what is wrong with them, file by file?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headend.cli.app import app
from headend.fault import SpecError
from headend.loader import load_spec
from headend.own_words import merged, read_words

SPEC = """\
site:
  public_url: https://live.example.org
streams:
  - slug: demo
    title: Demo
announcements:
  templates: words
  destinations:
    - name: chat
      kind: discord
      title: Chat
      secret: chat
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec with a folder of words beside it."""
    (tmp_path / "words" / "discord").mkdir(parents=True)
    (tmp_path / "words" / "discord" / "live.j2").write_text("{{ title }}: jump in\n\n{{ live_url }}\n")
    path = tmp_path / "site.yaml"
    path.write_text(SPEC)
    return path


def test_they_win_over_those_that_headend_brings(spec: Path) -> None:
    words = merged(load_spec(spec).announcements.own_words)
    assert words["discord"]["live"].startswith("{{ title }}: jump in")
    assert "is live" in words["any"]["live"]
    assert "ended" in words["discord"]


def test_the_preview_shows_them(spec: Path) -> None:
    done = CliRunner().invoke(app, ["announce", str(spec), "--preview", "--channel", "discord", "--occasion", "live"])
    assert done.exit_code == 0
    assert "Open bell with Jo: jump in\n\nhttps://live.example.org/watch/demo" in done.output


def test_the_preview_is_data_for_programs(spec: Path) -> None:
    done = CliRunner().invoke(app, ["announce", str(spec), "--preview", "--json"])
    shown = json.loads(done.output)["previews"]
    assert {one["channel"] for one in shown} == {"discord"}
    assert [one["faults"] for one in shown if one["faults"]] == []


@pytest.mark.parametrize("words", [["--occasion", "lives"], ["--channel", "myspace"], []])
def test_what_cannot_be_shown_is_one_line(spec: Path, words: list[str]) -> None:
    done = CliRunner().invoke(app, ["announce", str(spec), *(["--preview", *words] if words else [])])
    assert (done.exit_code, "Traceback" in done.output) == (2, False)


@pytest.mark.parametrize(
    "name, text, fault",
    [
        ("discord/lives.j2", "x", "'lives' is no occasion. Did you mean 'live'?"),
        ("discrod/live.j2", "x", "'discrod' is no channel. Did you mean 'discord'?"),
        ("discord/ended.j2", "{{ titel }}", "'titel' is undefined"),
        ("discord/ended.j2", "{% if %}", "Expected an expression"),
        ("discord/ended.j2", "x\n\n<b>bold</b>", "HTML, which Discord shows as it is"),
        ("email/live.j2", "\n\n", "the first line, which is the title, is empty"),
        ("linkedin/live.j2", "x\n\n" + "y" * 3001, "the text has 3001 UTF-16 units, linkedin takes 3000"),
        ("any/live.j2", "x\n\n**bold**", "Markdown, which email shows as it is"),
        ("discord/ended.j2", "{{ ''.__class__ }}", "unsafe"),
    ],
)
def test_what_is_wrong_is_said_with_its_file(spec: Path, name: str, text: str, fault: str) -> None:
    path = spec.parent / "words" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    with pytest.raises(SpecError) as error:
        load_spec(spec)
    assert any(str(one).startswith(f"{path}:1:1") and fault in str(one) for one in error.value.faults), error.value


def test_a_folder_that_is_not_there(spec: Path) -> None:
    spec.write_text(SPEC.replace("words", "wrods"))
    with pytest.raises(SpecError, match="there is no such folder"):
        load_spec(spec)


def test_a_file_that_is_no_text_or_too_long(spec: Path) -> None:
    folder = spec.parent / "words"
    (folder / "discord" / "ended.j2").write_bytes(b"\xff\xfe")
    (folder / "discord" / "recap.j2").write_text("x" * 20_000)
    _, faults = read_words(folder)
    assert [fault.fault for fault in faults] == ["cannot be read as text", "has 20000 bytes"]


@pytest.mark.parametrize(
    "kind, length, fault",
    [
        ("apprise", 90, "the text of apprise for "),
        ("webhook", 90, "the text of tiktok for"),
        ("apprise", 20, ""),
        ("discord", 90, ""),
    ],
)
def test_what_leaves_no_room_for_the_link_is_a_fault(spec: Path, kind: str, length: int, fault: str) -> None:
    tags = ", ".join(f'"#{index:02}{"x" * length}"' for index in range(30))
    more = "      url: https://example.org/hook\n" if kind == "webhook" else ""
    text = SPEC.replace("  templates: words\n", f"  hashtags: [{tags}]\n").replace("discord", kind)
    spec.write_text(text + more)
    if not fault:
        assert load_spec(spec).announcements.hashtags
        return
    with pytest.raises(SpecError) as error:
        load_spec(spec)
    assert any(fault in str(one) and ":7:13 announcements.hashtags" in str(one) for one in error.value.faults)


def test_a_template_that_fails_in_any_way_is_one_line(spec: Path) -> None:
    (spec.parent / "words" / "discord" / "ended.j2").write_text("{{ '%999999999d' % 1 }}{{ title.nothing }}")
    done = CliRunner().invoke(app, ["check", str(spec)])
    assert (done.exit_code, "Traceback" in done.output) == (1, False)
    assert "% is not for templates, but for numbers" in done.output
