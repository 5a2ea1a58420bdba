"""Is nginx-rtmp's stat page read right, and doubted when it is wrong?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import create_server

import pytest

from hooks_app.publisher import IngestProtocol
from hooks_app.stat_page import HttpStatReader, IngestDownError, StatPageError, Streaming, parse_stat

# As nginx-rtmp 1.2.2 writes it, with a publisher, a waiting encoder, a player from elsewhere, and another application.
PAGE = b"""<?xml version="1.0" encoding="utf-8" ?>\r
<rtmp>\r
<nginx_version>1.22.1</nginx_version>\r
<server>\r
<application>\r
<name>live</name>\r
<live>\r
<stream>\r
<name>demo</name>\r
<time>2794</time><bw_in>2500000</bw_in>\r
<client><id>2</id><address>203.0.113.9</address><time>2770</time><publishing/><active/></client>\r
<client><id>10</id><address>127.0.0.1</address><time>2464</time><flashver>LNX 9,0,124,2</flashver><active/></client>\r
<client><id>11</id><address>198.51.100.4</address><time>2464</time></client>\r
<nclients>3</nclients>\r
<publishing/>\r
</stream>\r
<stream>\r
<name>waiting</name>\r
<client><id>12</id><address>::1</address></client>\r
</stream>\r
</live>\r
</application>\r
<application><name>other</name><live><stream><name>demo</name>\
<client><id>3</id><address>127.0.0.1</address><publishing/></client></stream></live></application>\r
</server>\r
</rtmp>\r
"""


@contextmanager
def served(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A little HTTP server on loopback."""
    handler = type("Handler", (BaseHTTPRequestHandler,), {"do_GET": answer, "log_message": lambda *_: None})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/stat"
        server.shutdown()
        thread.join()


def test_the_publisher_and_the_encoders_on_loopback_are_told_apart() -> None:
    page = parse_stat(PAGE, "live")
    assert page.of("demo") == Streaming(publisher=2, encoders=frozenset({10}), bits_in_per_second=2_500_000)
    assert page.of("waiting") == Streaming(encoders=frozenset({12}))
    assert page.of("unknown") == Streaming()


def test_a_publisher_over_the_unix_socket_speaks_srt_and_a_player_there_is_no_encoder() -> None:
    page = PAGE.replace(b"203.0.113.9", b"unix:").replace(b"198.51.100.4", b"unix:")
    assert parse_stat(page, "live").of("demo") == Streaming(
        publisher=2, protocol=IngestProtocol.SRT, encoders=frozenset({10}), bits_in_per_second=2_500_000
    )


@pytest.mark.parametrize(
    "document",
    [
        b"", b"<rtmp>", b"<html>", PAGE.replace(b"<id>2<", b"<id>two<"), PAGE.replace(b"127.0.0.1", b"localhost"),
        b'<!DOCTYPE rtmp [<!ENTITY a "aaaa">]><rtmp>&a;</rtmp>',
    ],
)  # fmt: skip
def test_anything_else_is_doubted(document: bytes) -> None:
    with pytest.raises(StatPageError):
        parse_stat(document, "live")


def test_the_page_is_read_over_http() -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(PAGE)

    with served(answer) as url:
        assert HttpStatReader(url, "live").read().of("demo").publisher == 2


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_another_status_is_doubted(status: int) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", "/elsewhere")
        handler.end_headers()

    with served(answer) as url, pytest.raises(StatPageError) as caught:
        HttpStatReader(url, "live").read()
    assert not isinstance(caught.value, IngestDownError)


def test_a_refused_connection_means_that_nginx_is_down() -> None:
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(IngestDownError):
        HttpStatReader(f"http://127.0.0.1:{port}/stat", "live").read()


def test_silence_only_means_that_nothing_is_known() -> None:
    with create_server(("127.0.0.1", 0)) as silent, pytest.raises(StatPageError) as caught:
        HttpStatReader(f"http://127.0.0.1:{silent.getsockname()[1]}/stat", "live").read()
    assert not isinstance(caught.value, IngestDownError)
