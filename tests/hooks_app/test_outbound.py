"""Whom does the way out lead to, for how long, and what does it say of it? Real sockets, watched by a spy."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from hooks_app.outbound import (
    ANSWER_BYTES,
    Guard,
    NotSentError,
    Outbound,
    RefusedError,
    UnknownOutcomeError,
    is_public,
)
from tests.support.dripping import certificate, dripping

LOOPBACK = Guard((ip_network("127.0.0.0/8"),))
SECRET = "tok3n-of-a-webhook"

# By what is behind them: loopback, private, link-local, shared, special, IPv6 in all its forms, numbers for names,
# schemes, and what parsers disagree about.
HOSTILE = [
    "http://127.0.0.1/", "http://127.0.0.1:22/", "https://127.0.0.1/", "http://127.1/", "http://127.0.1/",
    "http://127.255.255.254/", "http://localhost/", "http://LOCALHOST:8090/", "http://localhost.localdomain/",
    "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/",
    "http://0/", "http://0.0.0.0/", "http://0.0.0.0:8090/", "http://00000.0/",
    "http://10.0.0.1/", "http://10.255.255.255/", "http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.0.1/",
    "http://192.168.1.254:8080/", "http://167772161/", "http://0xc0a80001/", "http://0300.0250.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://169.254.0.1/", "http://2852039166/", "http://0xa9fea9fe/",
    "http://100.64.0.1/", "http://100.127.255.255/", "http://198.18.0.1/", "http://198.19.255.255/",
    "http://192.0.0.1/", "http://192.0.2.1/", "http://198.51.100.7/", "http://203.0.113.7/", "http://192.88.99.1/",
    "http://224.0.0.1/", "http://239.255.255.250/", "http://240.0.0.1/", "http://255.255.255.255/",
    "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[::ffff:169.254.169.254]/", "http://[::ffff:10.0.0.1]/", "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:7f00:1::]/", "http://[2001::1]/",
    "http://[fe80::1]/", "http://[fe80::1%25lo]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[ff02::1]/",
    "http://[2001:db8::1]/", "http://[100::1]/", "http://[5f00::1]/",
    "http://inside.example/", "http://mixed.example/",
    "http://user@203.0.113.7/", "http://discord.com@127.0.0.1/", "http://127.0.0.1#@discord.com/",
    "http://127.0.0.1\\@discord.com/", "http:///etc/passwd", "//127.0.0.1/", "127.0.0.1", "",
    "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:25/_HELO", "dict://127.0.0.1:11211/stat",
    "unix:///run/dbus/system_bus_socket", "http+unix://%2Frun%2Fdocker.sock/", "javascript:alert(1)", "data:,x",
    "http://127.0.0.1:99999/", "http://[::1/", "http://127。0。0。1/", "http://①②⑦.0.0.1/",
]  # fmt: skip
NAMES = {"inside.example": ["10.0.0.7"], "mixed.example": ["93.184.216.34", "127.0.0.1"]}


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address that anybody asks the kernel to connect to; none is reached. Names are known to nobody else."""
    asked: list[Any] = []
    resolve = socket.getaddrinfo

    def connect(_self: socket.socket, address: Any) -> None:
        asked.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    def getaddrinfo(host: str, port: int, *more: Any, **named: Any) -> list[Any]:
        if host in NAMES:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in NAMES[host]]
        flags = {**named, "flags": socket.AI_NUMERICHOST} if not host.lower().startswith("localhost") else named
        return resolve(host, port, *more, **flags)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_target_is_not_connected_to(url: str, spy: list[Any]) -> None:
    with pytest.raises(NotSentError):
        Outbound(Guard()).send("POST", url, b"{}")
    assert spy == []


def test_what_is_public_is_connected_to_by_its_address(spy: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The positive control: without it, a guard that refuses everything would pass as well."""
    monkeypatch.setitem(NAMES, "hooks.example", ["93.184.216.34"])
    for url in ("https://hooks.example/api", "http://8.8.8.8/"):
        with pytest.raises(NotSentError, match="connection refused"):
            Outbound(Guard()).send("POST", url, b"{}")
    assert spy == [("93.184.216.34", 443), ("8.8.8.8", 80)]


def test_a_name_that_changes_its_mind_is_pinned(spy: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]]

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        texts = answers.pop(0) if host == "rebind.example" else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in texts]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(NotSentError):
        Outbound(Guard()).send("POST", "http://rebind.example/", b"{}")
    assert spy == [("93.184.216.34", 80)]
    with pytest.raises(RefusedError):
        Outbound(Guard()).send("POST", "http://rebind.example/", b"{}")
    assert spy == [("93.184.216.34", 80)]


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_a_listed_network_is_reached_and_only_that(spy: list[Any]) -> None:
    outbound = Outbound(Guard((ip_network("10.1.0.0/16"),)))
    for url in ("http://10.1.2.3/", "http://[::ffff:10.1.2.3]/"):
        with pytest.raises(NotSentError, match="connection refused"):
            outbound.send("POST", url)
    assert len(spy) == 2
    with pytest.raises(RefusedError):
        outbound.send("POST", "http://10.2.0.1/")
    assert len(spy) == 2


@pytest.fixture
def peer() -> Iterator[Callable[..., tuple[str, list[bytes]]]]:
    """Starts a server on loopback that takes one connection, and answers as told; its URL, and what it was sent."""
    threads, listeners, over = [], [], threading.Event()

    def start(*parts: bytes, pause: float = 0.0, hold: float = 0.0) -> tuple[str, list[bytes]]:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        got: list[bytes] = []

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with closing(connection):
                while b"\r\n\r\n" not in b"".join(got):
                    got.append(connection.recv(65_536))
                    if not got[-1]:
                        return
                for part in parts:
                    time.sleep(pause)
                    try:
                        connection.sendall(part)
                    except OSError:
                        return
                over.wait(hold)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/{SECRET}", got

    yield start
    over.set()
    for listener in listeners:
        # Closing alone would not wake who waits in accept(2).
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(10)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def test_an_answer_is_read(peer: Callable[..., Any]) -> None:
    url, got = peer(HEAD + b"Content-Length: 5\r\n\r\n", b"hello")
    answer = Outbound(LOOPBACK).send("POST", url, b'{"a": 1}', {"Content-Type": "application/json"})
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/plain", b"hello")
    assert f"POST /{SECRET} HTTP/1.1".encode() in got[0]


def test_a_redirect_is_an_answer(peer: Callable[..., Any]) -> None:
    inside, asked = peer(HEAD + b"Content-Length: 0\r\n\r\n")
    url, _ = peer(b"HTTP/1.1 307 Elsewhere\r\nLocation: " + inside.encode() + b"\r\nContent-Length: 0\r\n\r\n")
    assert Outbound(LOOPBACK).send("POST", url, b"{}").status == 307
    assert asked == []


def test_an_answer_is_read_up_to_its_cap(peer: Callable[..., Any]) -> None:
    url, _ = peer(HEAD + b"\r\n", *[b"x" * 65_536] * 32)
    assert len(Outbound(LOOPBACK).send("POST", url).body) == ANSWER_BYTES


def test_an_answer_that_is_packed_is_not_unpacked(peer: Callable[..., Any]) -> None:
    url, _ = peer(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n", b"abc")
    assert Outbound(LOOPBACK).send("POST", url).body == b"abc"


@pytest.mark.parametrize(
    "parts, pause",
    [
        ((), 0.0),
        ((b"HTTP/1.1 200",), 0.0),
        ((HEAD + b"Content-Length: 9\r\n\r\nabc",), 0.0),
        # A byte now and then: no single read is slow.
        (tuple(bytes([one]) for one in HEAD), 0.1),
        ((HEAD + b"\r\n", *[b"x"] * 40), 0.1),
    ],
)
def test_a_peer_that_dawdles_is_left_in_time(peer: Callable[..., Any], parts: tuple[bytes, ...], pause: float) -> None:
    url, _ = peer(*parts, pause=pause, hold=3)
    began = time.monotonic()
    with pytest.raises(UnknownOutcomeError, match="in time") as caught:
        Outbound(LOOPBACK, seconds=1).send("POST", url, b"{}")
    assert time.monotonic() - began < 2
    assert SECRET not in str(caught.value)


def read_request(connection: socket.socket) -> None:
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65_536)


@pytest.mark.parametrize("head, said", [(b"", HEAD), (HEAD + b"\r\n", b"x"), (HEAD, b"X-More: y\r\n")])
def test_a_peer_that_dawdles_behind_tls_is_left_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, said: bytes
) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def talk(connection: socket.socket, drip: Callable[[bytes], None]) -> None:
        read_request(connection)
        connection.sendall(head)
        drip(said)

    with dripping(talk, context=context) as port:
        began = time.monotonic()
        with pytest.raises(UnknownOutcomeError, match="in time"):
            Outbound(LOOPBACK, seconds=1).send("POST", f"https://127.0.0.1:{port}/{SECRET}", b"{}")
        assert time.monotonic() - began < 2


def test_a_handshake_that_never_ends_is_left_in_time() -> None:
    # A record of 16 KiB, of which a byte comes now and then.
    with dripping(lambda connection, drip: (connection.sendall(b"\x16\x03\x03\x40\x00"), drip(b"\x02"))[1]) as port:
        began = time.monotonic()
        with pytest.raises(NotSentError, match="in time"):
            Outbound(LOOPBACK, seconds=1).send("POST", f"https://127.0.0.1:{port}/{SECRET}", b"{}")
        assert time.monotonic() - began < 2


def test_a_name_that_nobody_answers_for_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: over.wait(10) and [])
    began = time.monotonic()
    with pytest.raises(NotSentError, match=r"slow\.example: no address in time"):
        Outbound(LOOPBACK, seconds=0.5).send("POST", f"https://slow.example/{SECRET}", b"{}")
    over.set()
    assert time.monotonic() - began < 2


def test_a_peer_that_hangs_up_after_the_request_leaves_the_outcome_unknown(peer: Callable[..., Any]) -> None:
    url, _ = peer()
    with pytest.raises(UnknownOutcomeError, match="broke before the answer") as caught:
        Outbound(LOOPBACK).send("POST", url, b"{}")
    assert SECRET not in str(caught.value)


def test_nobody_there_means_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSentError, match="connection refused") as caught:
        Outbound(LOOPBACK).send("POST", f"http://127.0.0.1:{port}/{SECRET}", b"{}")
    assert SECRET not in str(caught.value)


def test_a_handshake_that_fails_means_nothing_was_sent(peer: Callable[..., Any]) -> None:
    url, _ = peer(b"not TLS at all")
    with pytest.raises(NotSentError):
        Outbound(LOOPBACK, seconds=2).send("POST", url.replace("http:", "https:"), b"{}")


def test_neither_a_proxy_nor_a_netrc_of_the_host_counts(
    peer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    url, got = peer(HEAD + b"Content-Length: 0\r\n\r\n")
    assert Outbound(LOOPBACK).send("POST", url, b"{}").status == 200
    assert b"Authorization" not in got[0]
