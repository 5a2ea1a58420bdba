"""What nginx@web lets through to the hook app, what it adds, and what it says in the app's place."""

from __future__ import annotations

import http.client
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from headend.layout import Layout
from headend.model.spec import Site, Spec, Stream
from tests.support.nginx_build import built_nginx
from tests.support.rendered import layout_in, place

SPEC = Spec(site=Site(public_url="https://live.example.org"), streams=(Stream(slug="demo", title="Demo"),))
VIEWER = "127.0.0.2"
"""An address that limits count; the site's own nginx on 127.0.0.1 stands for everybody."""


class App(BaseHTTPRequestHandler):
    """In the hook app's place: says what it was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """200, with the request as JSON; for /slow nothing for as long as nginx waits."""
        length = int(self.headers.get("Content-Length", 0))
        if self.path.endswith("/slow"):
            threading.Event().wait(7)
        body = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "bytes": len(self.rfile.read(length)),
        }
        text = json.dumps(body).encode()
        with suppress(OSError):
            self.send_response(403 if self.path.endswith("/forbidden") else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Access-Control-Allow-Origin", "https://app.example")
            self.end_headers()
            self.wfile.write(text if self.command != "HEAD" else b"")

    def feed(self) -> None:
        """An event at once; the next only when the client has left or a while is over."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(b"id: 1\ndata: {}\n\n")
            for _ in range(50):
                time.sleep(0.2)
                self.wfile.write(b": still here\n\n")

    def do_GET(self) -> None:
        """The feed or an answer."""
        self.feed() if self.path.startswith("/api/v1/feed") else self.answer()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 (the names are the parent's)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the parent's)
        """Say nothing."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def document(self) -> dict[str, object]:
        """The body as JSON."""
        loaded: dict[str, object] = json.loads(self.body)
        return loaded


@contextmanager
def running(behind: bool) -> Iterator[Layout]:
    """nginx@web, with or without an app behind it."""
    with tempfile.TemporaryDirectory(prefix="headend-api-") as folder:
        Path(folder).chmod(0o755)
        layout = layout_in(Path(folder))
        place(SPEC, layout, ("ingest", "web"), built_nginx())
        program = f"{layout.prefix}/nginx/current/sbin/nginx"
        argv = [program, "-e", "stderr", "-c", f"{layout.config_dir}/nginx/web.conf", "-g", "daemon off;"]
        with app(layout.hooks_port if behind else 0), subprocess.Popen(argv) as process:
            try:
                for _ in range(100):
                    with suppress(OSError):
                        ask(layout, "/healthz")
                        break
                    time.sleep(0.05)
                yield layout
            finally:
                process.terminate()


@contextmanager
def app(port: int) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", port), App) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def api() -> Iterator[Layout]:
    """nginx@web before an app."""
    with running(behind=True) as layout:
        yield layout


def ask(
    layout: Layout,
    path: str,
    method: str = "GET",
    *,
    body: bytes | None = None,
    source: str = "127.0.0.1",
    **headers: str,
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", layout.web_http_port, timeout=10, source_address=(source, 0))
    with closing(connection):
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


def is_problem(answer: Answer, status: int) -> bool:
    kind, cache = answer.headers["Content-Type"], answer.headers["Cache-Control"]
    return (
        (answer.status, kind, cache) == (status, "application/problem+json", "no-store")
        and answer.document["status"] == status
        and answer.document.keys() == {"type", "title", "status", "detail"}
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
def test_the_methods_of_the_api_get_through(method: str, api: Layout) -> None:
    answer = ask(api, "/api/v1/events?limit=3&cursor=a%2Fb", method)
    assert (answer.status, answer.document["method"]) == (200, method)
    assert answer.document["path"] == "/api/v1/events?limit=3&cursor=a%2Fb"


def test_head_gets_through(api: Layout) -> None:
    assert ask(api, "/api/v1/streams", "HEAD").status == 200


@pytest.mark.parametrize("method", ["OPTIONS", "PROPFIND", "MKCOL", "LOCK"])
@pytest.mark.parametrize("path", ["/api/v1/keys", "/api/v1/feed"])
def test_other_methods_are_a_problem(method: str, path: str, api: Layout) -> None:
    assert is_problem(ask(api, path, method, Origin="https://elsewhere.example"), 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_feed_is_only_read(method: str, api: Layout) -> None:
    assert is_problem(ask(api, "/api/v1/feed", method), 403)


def test_the_apps_own_answer_is_left_alone(api: Layout) -> None:
    answer = ask(api, "/api/v1/forbidden")
    assert (answer.status, answer.headers["Content-Type"]) == (403, "application/json")


def test_who_asks_is_what_nginx_sees(api: Layout) -> None:
    lies = {
        "X-Forwarded-For": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
        "X-Real-IP": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "elsewhere.example",
        "Authorization": "Bearer token",
        "Last-Event-ID": "17",
        "If-Match": '"3"',
    }
    seen = ask(api, "/api/v1/keys", source=VIEWER, **lies).document["headers"]
    assert isinstance(seen, dict)
    assert seen["x-forwarded-for"] == VIEWER
    assert (seen["authorization"], seen["last-event-id"], seen["if-match"]) == ("Bearer token", "17", '"3"')
    assert not seen.keys() & {"forwarded", "x-real-ip", "x-forwarded-proto", "x-forwarded-host"}
    assert "203.0.113.9" not in json.dumps(seen)


@pytest.mark.parametrize(
    "method, token, allowed",
    [
        ("GET", False, ["*"]),
        ("HEAD", False, ["*"]),
        ("GET", True, None),
        ("POST", False, None),
        ("PATCH", False, None),
        ("PUT", False, None),
        ("DELETE", True, None),
        ("OPTIONS", False, None),
    ],
)
def test_another_page_may_only_read_what_is_public(
    method: str, token: bool, allowed: list[str] | None, api: Layout
) -> None:
    headers = {"Origin": "https://elsewhere.example"} | ({"Authorization": "Bearer token"} if token else {})
    answer = ask(api, "/api/v1/streams", method, **headers)
    assert answer.headers.get_all("Access-Control-Allow-Origin") == allowed


def test_a_body_of_64_kilobytes_and_no_more(api: Layout) -> None:
    assert ask(api, "/api/v1/events", "POST", body=b"x" * 65536).document["bytes"] == 65536
    assert is_problem(ask(api, "/api/v1/events", "POST", body=b"x" * 65537), 413)


def test_an_event_comes_through_at_once(api: Layout) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", api.web_http_port, timeout=3)
    with closing(connection):
        connection.request("GET", "/api/v1/feed")
        answer = connection.getresponse()
        # A proxy that buffers would hold it back until four kilobytes are together.
        assert answer.read1(100) == b"id: 1\ndata: {}\n\n"
        assert answer.headers["Content-Type"] == "text/event-stream"


@pytest.mark.parametrize("method, token", [("POST", False), ("GET", True)], ids=["writing", "with_a_token"])
def test_who_writes_or_tries_tokens_too_often_is_slowed_down(method: str, token: bool, api: Layout) -> None:
    source = {"POST": "127.0.0.3", "GET": "127.0.0.4"}[method]
    headers = {"Authorization": "Bearer token"} if token else {}
    answers = [ask(api, "/api/v1/keys", method, source=source, **headers) for _ in range(60)]
    refused = [answer for answer in answers if answer.status != 200]
    assert answers[0].status == 200
    assert refused
    assert all(is_problem(answer, 429) and answer.headers["Retry-After"] == "1" for answer in refused)
    # Whoever is next is not.
    assert ask(api, "/api/v1/keys", method, source="127.0.0.5", **headers).status == 200


def test_viewers_are_not_slowed_down_nor_is_the_sites_own_nginx(api: Layout) -> None:
    assert {ask(api, "/api/v1/streams", source="127.0.0.6").status for _ in range(100)} == {200}
    assert {ask(api, "/api/v1/keys", "POST").status for _ in range(60)} == {200}


def test_an_address_has_no_more_than_32_feeds(api: Layout) -> None:
    connections = []
    try:
        for _ in range(33):
            connection = http.client.HTTPConnection(
                "127.0.0.1", api.web_http_port, timeout=5, source_address=("127.0.0.7", 0)
            )
            connections.append(connection)
            connection.request("GET", "/api/v1/feed")
            last = connection.getresponse()
        assert (last.status, last.headers["Content-Type"]) == (429, "application/problem+json")
    finally:
        for connection in connections:
            connection.close()


def test_an_app_that_is_silent_is_a_problem(api: Layout) -> None:
    answer = ask(api, "/api/v1/slow")
    assert is_problem(answer, 504)
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("path", ["/api/v1/streams", "/api/v1/feed"])
def test_an_app_that_is_down_is_a_problem_that_any_page_may_read(path: str) -> None:
    with running(behind=False) as layout:
        answer = ask(layout, path)
        assert is_problem(answer, 502)
        assert (answer.headers["Retry-After"], answer.headers["Access-Control-Allow-Origin"]) == ("1", "*")
