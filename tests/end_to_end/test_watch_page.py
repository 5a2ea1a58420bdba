"""Does a viewer see it? The deployed watch page in a real browser, from off air to the last frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from testbed.clip import demo_clip
from testbed.origin import Key, Origin
from testbed.places import cache_dir
from testbed.publisher import Publisher
from tests.support.hosts import Deployed


@pytest.fixture(scope="module")
def origin(deployment: Deployed) -> Origin:
    """The deployed origin, off air."""
    deployment.origin.wait_off_air(seconds=20)
    return deployment.origin


@pytest.fixture
def page(origin: Origin) -> Iterator[Page]:
    """The stream's watch page in Chromium; any script error or policy violation fails the test."""
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto(origin.watch_page)
        yield page
        browser.close()
    assert faults == []


def test_page_follows_the_stream_from_off_air_to_its_last_frame(
    origin: Origin, page: Page, key: Key, tmp_path: Path
) -> None:
    expect(page.locator("#title")).to_have_text("Headend demo")
    expect(page.locator("#headline")).to_have_text(
        "Off air" if origin.state()["state"] == "offline" else "This stream has ended"
    )
    url = origin.publish_url(key.secret)
    # As broadcasters' encoders do, it calls again when a loaded host was too slow to let it in.
    publisher = Publisher.start(demo_clip(), url, tmp_path / "publisher.jsonl", reconnect=2.0)
    try:
        publisher.wait("publishing", seconds=30)
        page.locator("body[data-phase=playing]").wait_for(timeout=20_000)
        page.wait_for_function("document.getElementById('video').videoHeight > 0")
        began = page.evaluate("document.getElementById('video').currentTime")
        page.wait_for_function("began => document.getElementById('video').currentTime > began + 3", arg=began)
        page.screenshot(path=cache_dir() / "watch-page.png")
        names = page.locator("#quality option").all_inner_texts()
        assert names == ["Auto", *origin.state()["renditions"]]
    finally:
        publisher.stop()
    expect(page.locator("#headline")).to_have_text("This stream has ended", timeout=40_000)
    assert page.evaluate("document.getElementById('video').readyState") >= 2, "the last frame is gone"


def test_unknown_stream_is_called_so(origin: Origin, page: Page) -> None:
    page.goto(f"{origin.http}/watch/nobody")
    expect(page.locator("#headline")).to_have_text("No such stream")


def test_assets_are_small_cached_and_named_by_content(origin: Origin, page: Page) -> None:
    script = page.locator("script").get_attribute("src")
    answer = page.request.get(origin.http + (script or ""), headers={"Accept-Encoding": "gzip"})
    assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")
    assert "immutable" in answer.headers["cache-control"]
    assert int(answer.headers["content-length"]) < 150_000
