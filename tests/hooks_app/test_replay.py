"""Recordings through nginx@web, with the real app behind it and a real server in the store's place."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from headend.layout import Layout
from headend.model.recordings import Recordings, Replay
from headend.model.spec import Site, Spec, Stream
from headend.replay import CERTIFICATES, cache_folder
from tests.hooks_app.conftest import World
from tests.hooks_app.recordings_shelf import ARCHIVE, NAMES, Shelf
from tests.support.nginx_build import built_nginx
from tests.support.object_server import OWN_WORDS, QUERY, Store
from tests.support.rendered import layout_in, place

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

PIECE = 4 * 1024 * 1024
VIDEO = os.urandom(2 * PIECE + 1000)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Origin:
    """nginx@web and the app, with one archived recording."""

    layout: Layout
    shelf: Shelf
    store: Store
    number: int

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request of a viewer, the path as it stands."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.layout.web_http_port, timeout=20)) as connection:
            connection.putrequest(method, path, skip_host="Host" in headers)
            for name, text in headers.items():
                connection.putheader(name, text)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def video(self, **headers: str) -> Answer:
        """The recording."""
        return self.ask(f"/replay/{self.number}/{NAMES['video']}", **headers)


@contextmanager
def origin_of(
    world: World, store: Store, endpoint: str, authority: Path | None = None, *, pieces: bool = True
) -> Iterator[Origin]:
    """Everything, started. `authority`: whom nginx believes, in the place of Debian's bundle."""
    settings = Recordings(
        record=True,
        archive=ARCHIVE.model_copy(update={"endpoint": endpoint}),
        replay=Replay(mode="proxied", cache_gib=1, pieces=pieces),
        reserve_mib=16,
    )
    spec = Spec(
        site=Site(public_url="https://live.example.org"),
        streams=(Stream(slug="demo", title="Demo"),),
        recordings=settings,
    )
    shelf = Shelf(world)
    shelf.settings(mode="proxied")
    recordings = world.facts.recordings
    assert recordings is not None
    world.facts = world.facts.model_copy(update={"recordings": recordings.model_copy(update={"settings": settings})})
    world.start()
    number = shelf.put()
    sign(shelf, number, endpoint)
    for name in NAMES.values():
        store.objects[f"/live-recordings/{shelf.row(number).object_prefix}/{name}"] = VIDEO
    with ExitStack() as stack:
        # Not in pytest's own folder: nobody can enter that, and nginx's worker is nobody when we are root.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headend-replay-")))
        folder.chmod(0o755)
        layout = layout_in(folder)
        place(spec, layout, ("ingest", "web"), built_nginx())
        web = Path(layout.config_dir, "nginx", "web.conf")
        if authority is not None:
            web.write_text(web.read_text().replace(CERTIFICATES, str(authority)))
        Path(cache_folder(layout)).mkdir(parents=True)
        Path(cache_folder(layout)).chmod(0o777)
        stack.enter_context(app_on(world, layout.hooks_port))
        stack.enter_context(nginx_on(layout))
        yield Origin(layout, shelf, store, number)


def sign(shelf: Shelf, number: int, endpoint: str, bucket: str = "live-recordings") -> None:
    """As the archiver makes URLs."""
    for kind in ("video", "strip", "index"):
        url = f"{endpoint}/{bucket}/{shelf.row(number).object_prefix}/{NAMES[kind]}?{QUERY}"
        shelf.change_file(number, kind, replay_url=url)


@contextmanager
def app_on(world: World, port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)) as listener:
        server = uvicorn.Server(uvicorn.Config(world.app, lifespan="off", log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield
        server.should_exit = True
        thread.join()


@contextmanager
def nginx_on(layout: Layout) -> Iterator[None]:
    argv = [f"{layout.prefix}/nginx/current/sbin/nginx", "-e", "stderr", "-c", f"{layout.config_dir}/nginx/web.conf"]
    checked = subprocess.run([*argv, "-t", "-q"], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    with subprocess.Popen([*argv, "-g", "daemon off;"]) as process:
        try:
            for _ in range(100):
                with suppress(OSError), socket.create_connection(("127.0.0.1", layout.web_http_port)):
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


@pytest.fixture
def origin(world: World) -> Iterator[Origin]:
    with Store().serving() as store, origin_of(world, store, f"http://127.0.0.1:{store.port}") as origin:
        yield origin


def is_problem(answer: Answer, status: int) -> bool:
    """In the site's own words, and none of the store's."""
    assert b"recordings/demo" not in answer.body
    assert b"live-recordings" not in answer.body
    return answer.status == status and json.loads(answer.body)["status"] == status


def test_a_recording_is_given_whole_and_says_nothing_of_the_store(origin: Origin) -> None:
    answer = origin.video()
    assert (answer.status, answer.body == VIDEO) == (200, True)
    wanted = {
        "Content-Type": "video/mp4",
        "Cache-Control": "public, max-age=3600",
        "Access-Control-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "ETag": OWN_WORDS["ETag"],
        "Last-Modified": OWN_WORDS["Last-Modified"],
    }
    assert {name: answer.headers.get_all(name) for name in wanted} == {name: [text] for name, text in wanted.items()}
    told = {name.lower() for name in answer.headers}
    ours = {name.lower() for name in (*wanted, "Server", "Date", "Content-Length", "Connection")}
    assert told - ours == {"access-control-expose-headers"}
    assert answer.headers["Server"] == "nginx"


@pytest.mark.parametrize("kind, type_", [("strip", "image/jpeg"), ("index", "text/vtt; charset=utf-8")])
def test_strip_and_index_are_given_as_what_they_are(origin: Origin, kind: str, type_: str) -> None:
    answer = origin.ask(f"/replay/{origin.number}/{NAMES[kind]}")
    assert (answer.status, answer.headers.get_all("Content-Type")) == (200, [type_])


@pytest.mark.parametrize("kind", ["raw"])
def test_a_file_that_is_not_for_the_audience_is_not_found(origin: Origin, kind: str) -> None:
    assert origin.ask(f"/replay/{origin.number}/{NAMES[kind]}").status == 404


@pytest.mark.parametrize(
    "first, last", [(0, 0), (100, 199), (PIECE - 5, PIECE + 5), (2 * PIECE, len(VIDEO) - 1), (PIECE - 1, 2 * PIECE)]
)
def test_parts_are_given_as_asked_also_across_pieces(origin: Origin, first: int, last: int) -> None:
    answer = origin.video(Range=f"bytes={first}-{last}")
    assert (answer.status, answer.headers["Content-Range"]) == (206, f"bytes {first}-{last}/{len(VIDEO)}")
    assert answer.body == VIDEO[first : last + 1]
    # No more of the store than the pieces that it lies in.
    assert len(origin.store.requests) == last // PIECE - first // PIECE + 1


def test_the_end_is_given_and_nothing_behind_it(origin: Origin) -> None:
    answer = origin.video(Range="bytes=-100")
    assert (answer.status, answer.body) == (206, VIDEO[-100:])
    assert origin.video(Range=f"bytes={len(VIDEO) + 2 * PIECE}-").status == 416


def test_head_says_how_long_it_is(origin: Origin) -> None:
    answer = origin.ask(f"/replay/{origin.number}/{NAMES['video']}", "HEAD")
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, str(len(VIDEO)), b"")
    assert {path.split("?")[1] for path, _ in origin.store.requests} == {QUERY}


def test_the_second_viewer_needs_no_store(origin: Origin) -> None:
    assert origin.video().status == 200
    asked = len(origin.store.requests)
    origin.store.stop()
    again = origin.video()
    assert (again.status, again.body == VIDEO, len(origin.store.requests)) == (200, True, asked)
    assert origin.video(Range="bytes=5000000-5000009").body == VIDEO[5_000_000:5_000_010]
    # A new signature is the same file.
    endpoint = f"http://127.0.0.1:{origin.store.port}"
    origin.shelf.change_file(
        origin.number, "video", replay_url=f"{endpoint}/live-recordings/{path_of(origin)}?{QUERY}&X-Amz-Date=1"
    )
    assert origin.video().body == VIDEO


def path_of(origin: Origin) -> str:
    return f"{origin.shelf.row(origin.number).object_prefix}/{NAMES['video']}"


def test_of_a_store_that_marks_pieces_as_the_whole_the_whole_is_fetched(world: World) -> None:
    with (
        Store(mislabels_parts=True).serving() as store,
        origin_of(world, store, f"http://127.0.0.1:{store.port}", pieces=False) as origin,
    ):
        middle = slice(PIECE - 10, PIECE + 10)
        some = origin.video(Range=f"bytes={middle.start}-{middle.stop - 1}")
        assert (some.status, some.body) == (206, VIDEO[middle])
        whole = origin.video()
        assert (whole.status, whole.body) == (200, VIDEO)
        assert origin.video(Range="bytes=-5").body == VIDEO[-5:]
        assert origin.video(Range=f"bytes={len(VIDEO)}-").status == 416
        ((_, headers),) = store.requests
        assert "range" not in headers


def test_what_is_asked_for_by_many_is_fetched_once(origin: Origin) -> None:
    origin.store.slow_seconds = 0.5
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(origin.video(Range="bytes=0-99"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.body for answer in answers} == {VIDEO[:100]}
    assert len(origin.store.requests) == 1


def test_a_store_that_is_away_or_refuses_is_a_problem_in_our_own_words(origin: Origin) -> None:
    origin.store.refuses = True
    assert is_problem(origin.video(), 503)
    origin.store.refuses = False
    assert origin.video().status == 200, "a refusal is not kept"
    origin.store.stop()
    assert is_problem(origin.ask(f"/replay/{origin.number}/{NAMES['strip']}"), 503)


def test_an_object_that_is_gone_is_not_found(origin: Origin) -> None:
    origin.store.objects.clear()
    answer = origin.video()
    assert (answer.status, b"recordings" in answer.body) == (404, False)


@pytest.mark.parametrize("column", ["removal_asked_at", "remote_removed_at"])
def test_what_is_removed_is_not_given_any_more_however_fresh_the_cache(origin: Origin, column: str) -> None:
    assert origin.video().status == 200
    origin.shelf.change(origin.number, **{column: origin.shelf.world.clock.now()})
    assert is_problem(origin.video(), 404)


def test_nothing_that_a_viewer_says_reaches_the_store(origin: Origin) -> None:
    lies = {"Cookie": "a=1", "X-Amz-Date": "1", "User-Agent": "me", "Referer": "https://elsewhere.example"}
    answer = origin.ask(f"/replay/{origin.number}/{NAMES['video']}?X-Amz-Signature=0&a=b", **lies)
    assert answer.status == 200
    for path, headers in origin.store.requests:
        assert path.split("?")[1] == QUERY
        assert headers.keys() <= {"host", "range"}
        assert headers["host"] == f"127.0.0.1:{origin.store.port}"


def test_a_token_of_the_api_goes_neither_to_the_app_nor_to_the_store(origin: Origin) -> None:
    assert origin.video(Authorization="Bearer hdt_00000000_wrong").status == 200
    assert not any("authorization" in headers for _, headers in origin.store.requests)


@pytest.mark.parametrize(
    "path",
    [
        "/replay/{number}/nothing.mp4",
        "/replay/999/{name}",
        "/replay/0/{name}",
        "/replay/99999999999/{name}",
        "/replay/{number}",
        "/replay/{number}/",
        "/replay/{number}/../{number}",
        "/replay/{number}/..%2f..%2fother",
        "/replay/{number}/%2e%2e/secret",
        "/replay/{number}/{name}/more",
        "/replay/{number}/{name}%00",
        "/replay/{number}/{name}%3fX",
        "/replay/http://elsewhere.example/{name}",
        "/.replay/127.0.0.1:{port}/{number}/{name}/live-recordings/secret",
        "/%2ereplay/127.0.0.1:{port}/{number}/{name}/live-recordings/secret",
        "http://elsewhere.example/.replay/127.0.0.1:{port}/{number}/{name}/live-recordings/secret",
        "/api/v1/../../.replay/127.0.0.1:{port}/{number}/{name}/live-recordings/secret",
    ],
)
def test_nothing_else_is_to_be_had(origin: Origin, path: str) -> None:
    origin.store.objects["/live-recordings/secret"] = b"secret"
    filled = path.format(number=origin.number, name=NAMES["video"], port=origin.store.port)
    answer = origin.ask(filled)
    assert (answer.status in {400, 404}, b"secret" in answer.body) == (True, False)
    assert origin.store.requests == []


def test_an_absolute_address_is_the_same_file_and_no_other_host(origin: Origin) -> None:
    answer = origin.ask(f"http://elsewhere.example/replay/{origin.number}/{NAMES['video']}", Host="elsewhere.example")
    assert (answer.status, answer.body == VIDEO) == (200, True)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_it_is_only_read(origin: Origin, method: str) -> None:
    assert is_problem(origin.ask(f"/replay/{origin.number}/{NAMES['video']}", method), 403)


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("/live-recordings/", "/other-bucket/"),
        lambda url: url.replace(".mp4", ".flv"),
        lambda url: url.replace("http://127.0.0.1", "http://127.0.0.2"),
        lambda url: url.replace("http://", "https://"),
        lambda url: url.replace("live-recordings/", "live-recordings/../"),
        lambda url: url + "\r\nX-Evil: 1",
        lambda url: url.split("?")[0],
    ],
    ids=["bucket", "key", "host", "scheme", "traversal", "header", "unsigned"],
)
def test_a_url_that_is_not_of_this_store_and_file_leads_nowhere(origin: Origin, change: Callable[[str], str]) -> None:
    url = f"http://127.0.0.1:{origin.store.port}/live-recordings/{path_of(origin)}?{QUERY}"
    origin.shelf.change_file(origin.number, "video", replay_url=change(url))
    assert is_problem(origin.video(), 404)
    assert origin.store.requests == []


def test_the_api_s_description_says_nothing_of_it(world: World) -> None:
    assert not any("replay/" in path for path in world.app.openapi()["paths"])


def certificate_of(name: str, folder: Path) -> Path:
    """Key and certificate of a name, signed by itself."""
    path, public = folder / f"{name}.pem", folder / f"{name}.crt"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    argv += ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", str(path)]
    done = subprocess.run([*argv, "-out", str(public)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    path.write_text(path.read_text() + public.read_text())
    # nginx's worker reads no file; its master, which is root in this test, reads this one.
    return path


def test_a_store_is_believed_that_shows_its_own_certificate(world: World, tmp_path: Path) -> None:
    certificate = certificate_of("localhost", tmp_path)
    with (
        Store().serving(certificate) as store,
        origin_of(world, store, f"https://localhost:{store.port}", certificate) as origin,
    ):
        assert origin.video().body == VIDEO
        assert store.requests[0][1]["host"] == f"localhost:{store.port}"


@pytest.mark.parametrize("name, is_trusted", [("localhost", False), ("elsewhere.example", True)])
def test_a_store_is_not_believed_otherwise(world: World, tmp_path: Path, name: str, is_trusted: bool) -> None:
    certificate = certificate_of(name, tmp_path)
    authority = certificate if is_trusted else None
    with (
        Store().serving(certificate) as store,
        origin_of(world, store, f"https://localhost:{store.port}", authority) as origin,
    ):
        assert is_problem(origin.video(), 503)
        assert store.requests == []
