"""Does the built watch page play in a real browser, and say plainly when there is nothing to play?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from hatch_build import build_watch_page
from tests.support.watch_site import POLICY, Site

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "hooks_app" / "watch"
# A live picture appears within a poll, three segments and a slow machine.
PATIENCE_MS = 20_000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    build_watch_page(SOURCE, folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def site(built: Path, tmp_path: Path) -> Iterator[Site]:
    site = Site(built, tmp_path / "media")
    yield site
    site.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page that must stay free of script errors and of policy violations."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    page.close()
    assert faults == []


def headline(page: Page) -> Locator:
    return page.locator("#headline")


def wait_until_playing(page: Page) -> None:
    page.locator("body[data-phase=playing]").wait_for(timeout=PATIENCE_MS)


def wait_for_film(page: Page, name: str) -> None:
    is_it = "name => document.getElementById('video').currentSrc.endsWith(name)"
    page.wait_for_function(is_it, arg=name, timeout=PATIENCE_MS)


def played_seconds(page: Page) -> float:
    return float(page.evaluate("document.getElementById('video').currentTime"))


def test_the_scripts_own_tests_pass() -> None:
    done = subprocess.run(["npm", "test", "--silent"], cwd=SOURCE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_lock_names_no_download_address() -> None:
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert [
        name for name, package in lock["packages"].items() if name and not package["integrity"].startswith("sha512-")
    ] == []


@pytest.mark.parametrize(
    "state, text",
    [
        ("offline", "Off air"),
        ("scheduled", "Coming up"),
        ("starting", "Starting…"),
        ("interrupted", "Waiting for the stream…"),
        ("ended", "This stream has ended"),
    ],
)
def test_says_what_is_going_on_when_there_is_nothing_to_play(site: Site, page: Page, state: str, text: str) -> None:
    site.state = state
    page.goto(f"{site.url}/watch/main")
    expect(headline(page)).to_have_text(text)
    expect(page.locator("#title")).to_have_text("Evening show")
    expect(page.get_by_role("status")).to_contain_text(text)
    assert page.title() == f"Evening show · {text}"
    assert not any(path.endswith(".m3u8") for path in site.requests)


@pytest.mark.parametrize("path", ["/watch/other", "/watch/UPPER", "/watch/a%2F..%2Fb"])
def test_unknown_stream_is_called_so(site: Site, page: Page, path: str) -> None:
    page.goto(site.url + path)
    expect(headline(page)).to_have_text("No such stream")


def test_title_is_text_and_never_markup(site: Site, page: Page) -> None:
    site.title = "<img src=x onerror=\"document.title='owned'\"><script>alert(1)</script>"
    page.goto(f"{site.url}/watch/main")
    expect(page.locator("#title")).to_have_text(site.title)
    assert page.locator("#title *").count() == 0
    assert page.title().startswith("<img")


def test_live_stream_plays_muted_and_gets_its_sound_by_keyboard(site: Site, page: Page) -> None:
    site.encode()
    site.state = "live"
    page.goto(f"{site.url}/watch/main")
    wait_until_playing(page)
    expect(page.locator("#live")).to_have_text("Live")
    assert [worker.url for worker in page.workers if "/watch/assets/hls.worker-" not in worker.url] == []
    assert len(page.workers) == 1, "the demuxer does not run beside the page"
    before = played_seconds(page)
    sound = page.get_by_role("button", name="Unmute")
    sound.focus()
    page.keyboard.press("Enter")
    expect(sound).to_be_hidden()
    page.wait_for_function("start => document.getElementById('video').currentTime > start + 2", arg=before)
    assert page.evaluate("document.getElementById('video').muted") is False
    assert page.locator("#quality option").all_inner_texts() == ["Auto", "360p", "180p"]


def test_goes_live_by_itself_and_ends_on_its_last_frame_and_comes_back(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/watch/main")
    expect(headline(page)).to_have_text("Off air")
    site.encode()
    site.state = "live"
    wait_until_playing(page)
    site.kill_encoder()
    site.state = "ended"
    expect(headline(page)).to_have_text("This stream has ended", timeout=PATIENCE_MS)
    assert page.evaluate("document.getElementById('video').readyState") >= 2, "the last frame is gone"
    site.encode()
    site.state = "live"
    wait_until_playing(page)


def test_what_is_archived_is_watched_again_one_recording_after_the_other(site: Site, page: Page) -> None:
    site.replays = [site.record("first.mp4"), site.record("second.mp4")]
    site.state = "archived"
    page.goto(f"{site.url}/watch/main")
    again = page.get_by_role("button", name="Watch again")
    expect(again).to_be_visible()
    expect(page.locator("#detail")).to_have_text("You can watch it again.")
    assert not any(path.endswith(".mp4") for path in site.requests), "nothing is fetched before somebody wants it"
    again.click()
    page.locator("body[data-phase=replaying]").wait_for(timeout=PATIENCE_MS)
    page.wait_for_function(
        "() => document.getElementById('video').currentSrc.endsWith('second.mp4')", timeout=PATIENCE_MS
    )
    assert page.evaluate("document.getElementById('video').muted") is False
    expect(again).to_be_visible(timeout=PATIENCE_MS)
    again.click()
    page.wait_for_function(
        "() => document.getElementById('video').currentSrc.endsWith('first.mp4')", timeout=PATIENCE_MS
    )


def test_a_recording_of_the_store_plays_where_the_policy_names_the_store(
    site: Site, page: Page, built: Path, tmp_path: Path
) -> None:
    store = Site(built, tmp_path / "store")
    try:
        site.replays, site.state = [store.record("first.mp4")], "archived"
        site.policy = POLICY.replace("blob:", f"blob: {store.url}")
        page.goto(f"{site.url}/watch/main")
        page.get_by_role("button", name="Watch again").click()
        page.wait_for_function("() => document.getElementById('video').currentTime > 1", timeout=PATIENCE_MS)
    finally:
        store.close()


def test_whoever_watches_a_recording_is_not_torn_away_when_it_goes_live(site: Site, page: Page) -> None:
    site.replays, site.state = [site.record("first.mp4")], "archived"
    page.goto(f"{site.url}/watch/main")
    page.get_by_role("button", name="Watch again").click()
    page.locator("body[data-phase=replaying]").wait_for(timeout=PATIENCE_MS)
    page.evaluate("document.getElementById('video').pause()")
    site.encode()
    site.state = "live"
    to_live = page.get_by_role("button", name="Go to live")
    expect(to_live).to_be_visible(timeout=PATIENCE_MS)
    assert page.locator("body").get_attribute("data-phase") == "replaying"
    to_live.click()
    wait_until_playing(page)


def test_encoder_restart_with_a_discontinuity_leaves_no_dead_player(site: Site, page: Page) -> None:
    site.encode()
    site.state = "live"
    page.goto(f"{site.url}/watch/main")
    wait_until_playing(page)
    site.kill_encoder()
    expect(headline(page)).to_have_text("Waiting for the stream…", timeout=PATIENCE_MS)
    site.encode()
    wait_until_playing(page)
    assert any("EXT-X-DISCONTINUITY" in playlist.read_text() for playlist in site.media.glob("*/index.m3u8"))


def test_the_end_of_the_session_before_is_not_shown(site: Site, page: Page) -> None:
    site.encode()
    page.wait_for_timeout(5000)
    site.kill_encoder()
    site.encode()
    site.state = "live"
    page.add_init_script("addEventListener('playing', e => window.began ??= e.target.currentTime, true)")
    page.goto(f"{site.url}/watch/main")
    wait_until_playing(page)
    before, _, _ = (site.media / "180p" / "index.m3u8").read_text().rpartition("#EXT-X-DISCONTINUITY\n")
    # One-second segments; one of them may have left the playlist since the page has read it.
    assert page.evaluate("window.began") >= before.count("#EXTINF") - 0.1


def test_playlists_that_start_over_leave_no_dead_player(site: Site, page: Page) -> None:
    site.encode()
    site.state = "live"
    page.goto(f"{site.url}/watch/main")
    wait_until_playing(page)
    page.wait_for_timeout(4000)
    site.kill_encoder()
    for file in site.media.glob("*/*"):
        file.unlink()
    expect(headline(page)).to_have_text("Waiting for the stream…", timeout=PATIENCE_MS)
    site.encode()
    page.locator("body[data-phase=playing]").wait_for(timeout=40_000)


def test_plays_while_the_api_is_down(site: Site, page: Page) -> None:
    site.encode()
    site.state = None
    page.goto(f"{site.url}/watch/main")
    wait_until_playing(page)


def test_old_playlist_without_an_api_is_off_air(site: Site, page: Page) -> None:
    site.encode()
    site.kill_encoder()
    for playlist in site.media.glob("*/index.m3u8"):
        subprocess.run(["touch", "-d", "5 minutes ago", str(playlist)], check=True)
    site.state = None
    page.goto(f"{site.url}/watch/main")
    expect(headline(page)).to_have_text("Off air", timeout=PATIENCE_MS)


def test_pause_is_the_viewers_and_the_badge_leads_back_to_live(site: Site, page: Page) -> None:
    site.encode()
    site.state = "live"
    page.goto(f"{site.url}/watch/main")
    wait_until_playing(page)
    page.evaluate("document.getElementById('video').pause()")
    badge = page.get_by_role("button", name="Go to live")
    page.wait_for_timeout(14_000)
    assert page.locator("body").get_attribute("data-phase") == "paused"
    badge.click()
    wait_until_playing(page)


@pytest.mark.parametrize("width, height", [(320, 640), (320, 180), (1280, 720), (3840, 2160)])
def test_fits_every_window(site: Site, page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{site.url}/watch/main")
    expect(headline(page)).to_be_in_viewport(ratio=1)
    expect(page.locator("#title")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.scrollHeight") <= height


@pytest.mark.parametrize("state", ["offline", "live"])
def test_accessibility_rules_find_nothing(site: Site, browser: Browser, state: str) -> None:
    site.state = state
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    if state == "live":
        site.encode()
    page.goto(f"{site.url}/watch/main")
    page.locator("body[data-phase=playing]" if state == "live" else "body[data-state=offline]").wait_for(
        timeout=PATIENCE_MS
    )
    page.add_script_tag(path=SOURCE / "node_modules" / "axe-core" / "axe.min.js")
    violations = page.evaluate("axe.run().then(result => result.violations.map(v => [v.id, v.impact]))")
    context.close()
    assert violations == []
