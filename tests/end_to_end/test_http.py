"""What do caches, browsers of other sites and curious people get from nginx@web?"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import requests

from tests.end_to_end.conftest import OnAir

Headers = Mapping[str, str]


def get(url: str, headers: Headers | None = None) -> requests.Response:
    """An answer without any retry or proxy."""
    return requests.get(url, headers=headers, timeout=5, proxies={"http": ""}, allow_redirects=False)


@pytest.fixture(scope="module")
def urls(on_air: OnAir) -> dict[str, str]:
    """One URL of each kind."""
    media = on_air.viewer.renditions()["480p"]
    return {
        "master": on_air.viewer.master_url,
        "media": media,
        "segment": on_air.viewer.segments(media)[-1],
        "poster": on_air.origin.state()["poster"],
    }


CACHED = {
    "master": "no-store",
    "media": "no-store",
    "segment": "public, max-age=31536000, immutable",
    "poster": "public, max-age=5",
}
TYPES = {
    "master": "application/vnd.apple.mpegurl",
    "media": "application/vnd.apple.mpegurl",
    "segment": "video/mp2t",
    "poster": "image/jpeg",
}


@pytest.mark.parametrize("kind", CACHED)
def test_cache_rules(urls: dict[str, str], kind: str) -> None:
    answer = get(urls[kind])
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == CACHED[kind]
    assert answer.headers["Content-Type"] == TYPES[kind]


@pytest.mark.parametrize("kind", CACHED)
def test_any_site_may_play_it(urls: dict[str, str], kind: str) -> None:
    answer = get(urls[kind], {"Origin": "https://elsewhere.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_byte_ranges(urls: dict[str, str]) -> None:
    whole = get(urls["segment"])
    part = get(urls["segment"], {"Range": "bytes=188-375"})
    assert part.status_code == 206
    assert part.headers["Content-Range"] == f"bytes 188-375/{len(whole.content)}"
    assert part.content == whole.content[188:376]


def test_a_missing_segment_is_not_cached(urls: dict[str, str]) -> None:
    answer = get(urls["segment"].rpartition("/")[0] + "/1-00001.ts")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("Cache-Control", "")


@pytest.mark.parametrize(
    "path",
    ["/streams", "/streams/", "/streams/demo/", "/streams/demo/480p/", "/streams/demo/encode", "/streams/../nginx.conf",
     "/streams/demo/%2e%2e/%2e%2e/etc/passwd", "/watch/", "/watch/assets/", "/watch/%2e%2e/%2e%2e/etc/passwd"],
)  # fmt: skip
def test_nothing_is_listed_and_nothing_else_is_served(on_air: OnAir, path: str) -> None:
    request = requests.Request("GET", on_air.origin.http).prepare()
    request.url = on_air.origin.http + path
    with requests.Session() as session:
        answer = session.send(request, timeout=5, allow_redirects=False)
    assert answer.status_code in (301, 400, 403, 404)
    assert "Index of" not in answer.text
    assert "root:" not in answer.text


def test_poster_is_a_fresh_picture(urls: dict[str, str]) -> None:
    assert get(urls["poster"]).content.startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
def test_viewers_only_read(urls: dict[str, str], method: str) -> None:
    assert requests.request(method, urls["segment"], timeout=5).status_code in (204, 403, 405)
    assert get(urls["segment"]).status_code == 200
