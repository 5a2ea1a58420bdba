"""Does an encoder hear that its stream is over?"""

from __future__ import annotations

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from hooks_app.control import Encoders, HttpControl
from hooks_app.units import UnitError


@dataclass
class Recorder:
    """systemd and nginx in one list of calls."""

    calls: list[str] = field(default_factory=list)
    broken: bool = False

    def restart(self, slug: str) -> None:
        self.calls.append(f"restart {slug}")

    def stop(self, slug: str) -> None:
        self.calls.append(f"stop {slug}")
        if self.broken:
            raise UnitError("away")

    def running(self) -> frozenset[str]:
        return frozenset({"demo"})

    def drop_players(self, slug: str) -> None:
        self.calls.append(f"drop {slug}")


def test_a_leftover_encoder_is_dropped_before_the_fresh_one_starts() -> None:
    both = Recorder()
    Encoders(both, both).restart("demo")
    assert both.calls == ["drop demo", "restart demo"]


def test_systemd_knows_of_the_end_before_the_encoder_leaves_so_that_it_does_not_restart_it() -> None:
    both = Recorder()
    Encoders(both, both).stop("demo")
    assert both.calls == ["stop demo", "drop demo"]


def test_the_control_page_is_asked_for_this_streams_players() -> None:
    asked: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        HttpControl(f"http://127.0.0.1:{server.server_port}/control", "live").drop_players("demo")
        thread.join(5)
    assert asked == ["/control/drop/subscriber?app=live&name=demo"]


def test_an_nginx_that_is_down_has_no_players_to_drop() -> None:
    HttpControl("http://127.0.0.1:9/control", "live").drop_players("demo")
