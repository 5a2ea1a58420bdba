"""Is Apprise kept to the guard, the limits, and what its services say?"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from headend.announcing.words import Words
from hooks_app.senders import apprise_sender
from hooks_app.senders.apprise_report import Call, Report, outcome_of_report
from hooks_app.senders.outcome import Again, Broken, Dead, Outcome, Sent, Unknown
from tests.support.dripping import dripping
from tests.support.receiver import Answer, Receiver, hang_up

LOOPBACK = (ip_network("127.0.0.0/8"),)


class TestApprise:
    WORDS = Words("Open bell is live", "We are live: https://live.example.org")

    def test_a_service_is_told(self, discord: Receiver) -> None:
        outcome = apprise_sender.send(f"json://127.0.0.1:{discord.port}/x", self.WORDS, ("json",), LOOPBACK)
        assert isinstance(outcome, Sent)
        assert discord.got[0].json["title"] == "Open bell is live"

    def test_no_connection_to_where_the_guard_does_not_let_it(self, discord: Receiver) -> None:
        outcome = apprise_sender.send(f"json://127.0.0.1:{discord.port}/x", self.WORDS, ("json",), ())
        assert isinstance(outcome, Broken)
        assert discord.got == []

    @pytest.mark.parametrize("url", ["file:///etc/passwd", "syslog://", "dbus://", "nonsense", "JSONS://x"])
    def test_a_scheme_that_is_not_listed_is_not_loaded(self, url: str) -> None:
        assert isinstance(apprise_sender.send(url, self.WORDS, ("json",), LOOPBACK), Broken)

    @pytest.fixture
    def tell(self, discord: Receiver) -> Callable[..., Outcome]:
        def send(*answers: Answer, path: str = "x", scheme: str = "json") -> Outcome:
            discord.answers.extend(answers)
            url = f"{scheme}://127.0.0.1:{discord.port}/{path}"
            return apprise_sender.send(url, self.WORDS, ("json", "ntfy", "rsyslog"), LOOPBACK)

        return send

    @pytest.mark.parametrize(
        "answer, outcome",
        [
            ((500, {}, b""), Again("HTTP 500", 500)),
            ((429, {"Retry-After": "30"}, b""), Again("HTTP 429", 429, 30.0)),
            ((503, {"Retry-After": "600"}, b""), Again("HTTP 503", 503, 600.0)),
            ((401, {}, b""), Broken("HTTP 401", 401)),
            ((403, {}, b""), Broken("HTTP 403", 403)),
            ((404, {}, b""), Broken("HTTP 404", 404)),
            ((410, {}, b""), Broken("HTTP 410", 410)),
            ((400, {}, b""), Dead("HTTP 400", 400)),
            ((307, {"Location": "http://127.0.0.1:9/"}, b""), Dead("HTTP 307", 307)),
            (hang_up, Unknown("the service did not answer in time, or not to the end", again=False)),
        ],
    )
    def test_what_the_service_answers_counts(
        self, tell: Callable[..., Outcome], discord: Receiver, answer: Answer, outcome: Outcome
    ) -> None:
        assert tell(answer) == outcome
        assert len(discord.got) == 1

    def test_a_service_that_takes_it_says_so(self, tell: Callable[..., Outcome]) -> None:
        assert tell() == Sent(200)

    def test_a_redirect_is_not_followed(self, tell: Callable[..., Outcome], discord: Receiver) -> None:
        there = f"http://127.0.0.1:{discord.port}/elsewhere"
        assert tell((302, {"Location": there}, b"")) == Dead("HTTP 302", 302)
        assert [one.path for one in discord.got] == ["/x"]

    def test_nobody_there_is_tried_again(self) -> None:
        outcome = apprise_sender.send("json://127.0.0.1:9/x", self.WORDS, ("json",), LOOPBACK)
        assert outcome == Again("no connection to the service")

    def test_a_plugin_that_tries_again_by_itself_does_not(
        self, tell: Callable[..., Outcome], discord: Receiver
    ) -> None:
        assert tell(hang_up, path="x?retry=3&wait=0") == Unknown(
            "the service did not answer in time, or not to the end", again=False
        )
        assert isinstance(tell((500, {}, b""), path="x?retry=3&wait=0"), Again)
        assert len(discord.got) == 2

    def test_of_several_targets_those_that_have_it_are_not_told_again(
        self, tell: Callable[..., Outcome], discord: Receiver
    ) -> None:
        outcome = tell((200, {}, b"{}"), (500, {}, b"{}"), scheme="ntfy", path="one/two")
        assert outcome == Unknown("the service took a part of it; then HTTP 500", again=False)
        assert len(discord.got) == 2

    def test_a_service_that_dawdles_is_left_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(apprise_sender, "SECONDS", 4.0)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
        with dripping(lambda connection, drip: (connection.sendall(head), drip(b"x"))[1]) as port:
            began = time.monotonic()
            outcome = apprise_sender.send(f"json://127.0.0.1:{port}/x", self.WORDS, ("json",), LOOPBACK)
            assert time.monotonic() - began < 6
        assert isinstance(outcome, Unknown)

    @pytest.mark.parametrize("glue", [", ", " ", ";", ",", "\n"])
    def test_a_secret_of_several_urls_is_none(self, discord: Receiver, glue: str) -> None:
        url = f"json://127.0.0.1:{discord.port}/x{glue}ntfy://127.0.0.1:{discord.port}/y"
        outcome = apprise_sender.send(url, self.WORDS, ("json",), LOOPBACK)
        assert outcome == Broken("its secret is not one URL that Apprise can read")
        assert discord.got == []

    @pytest.mark.parametrize("allow, got", [(LOOPBACK, True), ((), False)])
    def test_datagrams_go_by_the_guard_too(self, allow: tuple[Any, ...], got: bool) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
            box.bind(("127.0.0.1", 0))
            box.settimeout(0.2)
            url = f"rsyslog://127.0.0.1:{box.getsockname()[1]}"
            outcome = apprise_sender.send(url, self.WORDS, ("rsyslog",), allow)
            assert isinstance(outcome, Sent if got else Broken)
            if not got:
                with pytest.raises(TimeoutError):
                    box.recv(2048)

    def test_the_child_has_nothing_of_the_announcer_s_environment(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("http_proxy", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "PYTHONPATH"):
            monkeypatch.setenv(name, "CANARY")
        told = f"import json, os; open({str(tmp_path / 'seen')!r}, 'w').write(json.dumps(dict(os.environ)))"
        monkeypatch.setattr(apprise_sender, "CHILD", (sys.executable, "-I", "-c", told))
        outcome = apprise_sender.send("json://127.0.0.1:9/x", self.WORDS, ("json",), LOOPBACK)
        assert outcome == Unknown("Apprise ended with 0, and said nothing", again=False)
        assert "CANARY" not in (tmp_path / "seen").read_text()

    def test_an_answer_that_never_ends_is_read_up_to_its_cap(self, tell: Callable[..., Outcome]) -> None:
        assert tell((500, {}, b"x" * 3_000_000)) == Again("HTTP 500", 500)


@pytest.mark.parametrize(
    "calls, targets, kind",
    [
        # A login, then the message.
        (((401, 0), (200, 0), (500, 0)), 1, Again),
        (((200, 0), (403, 0)), 1, Broken),
        (((404, 1), (None, 0)), 1, Again),
        (((200, 1), (None, 0)), 3, Again),
        (((200, 0), (None, 0)), 3, Unknown),
        (((200, 0),), 1, Unknown),
    ],
)
def test_what_a_report_means(calls: tuple[tuple[int | None, int], ...], targets: int, kind: type) -> None:
    made = tuple(Call(status=status, sent=status is not None, reads=bool(reads)) for status, reads in calls)
    assert isinstance(outcome_of_report(Report(calls=made, targets=targets)), kind)


def test_a_report_without_calls_says_how_far_it_came() -> None:
    assert isinstance(outcome_of_report(Report(connected=True, failed="SMTPDataError")), Unknown)
    assert outcome_of_report(Report(failed="gaierror")) == Again("Apprise reached nobody (gaierror)")
