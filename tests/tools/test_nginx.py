"""Does our own nginx accept its configurations, and does the web one answer as promised? No host, no hook app."""

from __future__ import annotations

import http.client
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from headend.layout import Layout
from headend.model.recordings import Recordings
from headend.model.spec import Site, Spec, Stream
from tests.support.nginx_build import built_nginx
from tests.support.rendered import layout_in, place

SPEC = Spec(
    site=Site(public_url="https://live.example.org"),
    streams=(Stream(slug="demo", title="Demo"), Stream(slug="quiet", title="Quiet", record="never")),
    recordings=Recordings(record=True),
)
SEGMENT = "/streams/demo/720p/1795527397594198-00001.ts"
PLAYLIST = "/streams/demo/720p/index.m3u8"


@pytest.fixture(scope="module")
def layout() -> Iterator[Layout]:
    """A rendered origin with a segment, a playlist, a poster and a watch page."""
    # Not in pytest's own folder: nobody can enter that, and nginx's worker is nobody when we are root.
    with tempfile.TemporaryDirectory(prefix="headend-web-") as folder:
        Path(folder).chmod(0o755)
        layout = layout_in(Path(folder))
        place(SPEC, layout, ("ingest", "web"), built_nginx())
        fill_with_media(layout)
        yield layout


def fill_with_media(layout: Layout) -> None:
    hls, watch = Path(layout.media_root, "hls"), Path(layout.prefix, "app", "current", "watch")
    media = hls / "demo"
    # Made at run time, as its encoder leaves it; and one whose encoder is somebody else's.
    for folder in (hls / "made" / "720p", hls / "taken"):
        folder.mkdir(parents=True)
    (watch / "assets").mkdir(parents=True)
    for path, text in {
        media / "720p" / Path(SEGMENT).name: "x" * 1000,
        media / "720p" / "index.m3u8": "#EXTM3U\n",
        media / "720p" / "index.m3u8.tmp": "half",
        media / "poster.jpg": "jpeg",
        hls / "made" / "master.m3u8": "#EXTM3U\n#made\n",
        hls / "made" / "720p" / "index.m3u8": "#EXTM3U\n",
        # The spec's own wins.
        media / "master.m3u8": "#EXTM3U\n#made\n",
        watch / "index.html": "<p>watch",
        watch / "assets" / "watch-1a2b.js": "1",
    }.items():
        path.write_text(text)
    (media / "720p" / "666-00001.ts").symlink_to("/etc/passwd")
    (hls / "taken" / "master.m3u8").symlink_to("/etc/passwd")


def nginx(layout: Layout, instance: str, *options: str) -> subprocess.CompletedProcess[str]:
    program = f"{layout.prefix}/nginx/current/sbin/nginx"
    argv = [program, "-e", "stderr", "-c", f"{layout.config_dir}/nginx/{instance}.conf", *options]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("instance", ["ingest", "srt", "web"])
def test_nginx_accepts_it_without_a_word(instance: str, layout: Layout) -> None:
    done = nginx(layout, instance, "-t", "-q")
    assert (done.returncode, done.stderr) == (0, "")


@contextmanager
def started(layout: Layout, instance: str) -> Iterator[subprocess.Popen[bytes]]:
    program = f"{layout.prefix}/nginx/current/sbin/nginx"
    argv = [program, "-e", "stderr", "-c", f"{layout.config_dir}/nginx/{instance}.conf", "-g", "daemon off;"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def web(layout: Layout) -> Iterator[int]:
    """Port of a running nginx@web; nothing listens behind it."""
    with started(layout, "web"):
        for _ in range(100):
            with suppress(OSError):
                ask(layout.web_http_port, "/healthz")
                break
            time.sleep(0.05)
        yield layout.web_http_port


def ask(port: int, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """One answer, its body read."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer


def read(port: int, path: str) -> bytes:
    """The body of an answer."""
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        body: bytes = answer.read()
        return body


FOR_EVER = "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path, kind, cache",
    [
        ("/streams/demo/index.m3u8", "application/vnd.apple.mpegurl", "no-store"),
        ("/streams/made/index.m3u8", "application/vnd.apple.mpegurl", "no-store"),
        (PLAYLIST, "application/vnd.apple.mpegurl", "no-store"),
        ("/streams/made/720p/index.m3u8", "application/vnd.apple.mpegurl", "no-store"),
        (SEGMENT, "video/mp2t", FOR_EVER),
        ("/streams/demo/poster.jpg", "image/jpeg", "public, max-age=5"),
        ("/watch/demo", "text/html", "no-cache"),
        ("/watch/assets/watch-1a2b.js", "text/javascript", FOR_EVER),
        ("/healthz", "text/plain", "no-store"),
    ],
)
def test_what_is_served(path: str, kind: str, cache: str, web: int) -> None:
    for method in ("GET", "HEAD"):
        answer = ask(web, path, method)
        assert (answer.status, answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (200, kind, cache)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/streams/",
        "/streams/demo",
        "/streams/demo/",
        "/streams/demo/720p/",
        "/streams/demo/720p/index.m3u8.tmp",
        "/streams/demo/master.m3u8",
        "/streams/demo/encode",
        "/streams/DEMO/index.m3u8",
        "/streams/nobody/index.m3u8",
        "/streams/-demo/index.m3u8",
        f"/streams/{'a' * 41}/index.m3u8",
        "/streams/demo/../../etc/passwd",
        "/streams/demo/%2e%2e/%2e%2e/etc/streams/demo/encode",
        "/streams/..%2f..%2fetc/index.m3u8",
        "/streams/demo/720p/%00-00001.ts",
        "/streams/.preflight",
        "/streams/.made/made",
        "/streams/.made/demo",
        "/streams/made/master.m3u8",
        "/streams//made/index.m3u8/",
        "/watch/",
        "/watch/DEMO",
        "/watch/demo/more",
        "/hooks/on_publish",
        "/api/v1/../../hooks/on_publish",
        "/api/hooks/on_publish",
        "/api/.problem/403",
        "/api/.problem/../../../credentials/master",
        "/stat",
        "/control/drop/publisher?app=live&name=demo",
    ],
)
def test_what_is_not_found(path: str, web: int) -> None:
    assert ask(web, path).status in (400, 404)


def test_a_link_out_of_the_media_root_is_not_followed(web: int) -> None:
    for path in ("/streams/demo/720p/666-00001.ts", "/streams/taken/index.m3u8"):
        assert ask(web, path).status == 403


def test_a_declared_stream_has_the_master_playlist_of_the_spec(web: int, layout: Layout) -> None:
    spec = Path(layout.config_dir, "streams", "demo", "master.m3u8").read_bytes()
    assert read(web, "/streams/demo/index.m3u8") == spec
    assert read(web, "/streams/made/index.m3u8") == b"#EXTM3U\n#made\n"


def test_a_master_playlist_that_nobody_changed_is_not_sent_twice(web: int) -> None:
    for path in ("/streams/demo/index.m3u8", "/streams/made/index.m3u8"):
        assert ask(web, path, **{"If-None-Match": ask(web, path).headers["ETag"]}).status == 304


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "path",
    [
        "/streams/demo/index.m3u8",
        "/streams/made/index.m3u8",
        PLAYLIST,
        SEGMENT,
        "/watch/demo",
        "/healthz",
        "/api/v1/feed",
    ],
)
def test_nothing_can_be_written(method: str, path: str, web: int) -> None:
    assert ask(web, path, method).status in (403, 405)


def test_a_part_of_a_segment(web: int) -> None:
    answer = ask(web, SEGMENT, Range="bytes=10-19")
    assert (answer.status, answer.headers["Content-Range"]) == (206, "bytes 10-19/1000")


@pytest.mark.parametrize(
    "path",
    ["/streams/demo/index.m3u8", "/streams/made/index.m3u8", PLAYLIST, SEGMENT, "/streams/demo/poster.jpg"],
)
def test_any_page_may_play(path: str, web: int) -> None:
    answer = ask(web, path, Origin="https://elsewhere.example")
    assert answer.headers.get_all("Access-Control-Allow-Origin") == ["*"]
    assert answer.headers["Access-Control-Expose-Headers"] == "Content-Length, Content-Range, Date"
    preflight = ask(web, path, "OPTIONS", Origin="https://elsewhere.example")
    assert (preflight.status, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert preflight.headers["Access-Control-Allow-Headers"] == "Range"


def test_streams_are_served_while_the_hook_app_is_down(web: int) -> None:
    assert ask(web, "/api/v1/streams/demo").status == 502
    assert ask(web, PLAYLIST).status == 200


def test_the_watch_page_runs_no_inline_script(web: int) -> None:
    policy = ask(web, "/watch/demo").headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "unsafe" not in policy


SITE = """
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    server {{
        listen 127.0.0.1:{port};
        root /var/empty;
        location ~ \\.ts$ {{ deny all; }}
        include {snippet};
    }}
}}
"""


def test_an_existing_site_can_include_the_streams(layout: Layout, tmp_path: Path) -> None:
    snippet = f"{layout.config_dir}/nginx/streams-location.conf"
    (tmp_path / "site.conf").write_text(SITE.format(folder=tmp_path, port=layout.web_http_port, snippet=snippet))
    argv = [f"{layout.prefix}/nginx/current/sbin/nginx", "-e", "stderr", "-t", "-q", "-c", f"{tmp_path}/site.conf"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
