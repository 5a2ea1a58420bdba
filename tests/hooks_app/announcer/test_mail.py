"""Does a mail arrive whole, once, and in time, whatever its server is like?"""

from __future__ import annotations

import email
import socket
import time
from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from headend.announcing.words import Words
from headend.model.announcements import Destination
from hooks_app.outbound import Guard
from hooks_app.senders import mail
from hooks_app.senders.outcome import Again, Broken, Dead, Sent, Unknown
from tests.hooks_app.announcer.conftest import destination
from tests.hooks_app.announcer.sending import delivery, message
from tests.support.dripping import dripping


class Box:
    """What an SMTP server got; refuses with `refusal` if there is one."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.refusal = ""
        self.only = ""
        self.by_name: dict[str, str] = {}
        self.goodbye = "221 bye"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.refusal and self.only in {"", address}:
            return self.by_name.get(address, self.refusal)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        parsed = email.message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope.rcpt_tos, parsed))  # type: ignore[arg-type]
        return "250 OK"

    async def handle_QUIT(self, server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        if not self.goodbye:
            server.transport.abort()
        return self.goodbye


class TestMail:
    @pytest.fixture
    def box(self) -> Box:
        return Box()

    @pytest.fixture
    def place(self, box: Box) -> Iterator[Destination]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        controller = Controller(box, hostname="127.0.0.1", port=port)
        controller.start()
        yield destination(
            "list",
            "email",
            smtp_host="127.0.0.1",
            smtp_port=port,
            smtp_security="none",
            mail_from="live@example.org",
            mail_to=("viewers@example.org",),
            unsubscribe="https://example.org/unsubscribe",
        )
        controller.stop()

    def test_a_real_server_receives_a_whole_message(self, place: Destination, box: Box) -> None:
        assert isinstance(delivery(place).send(message(destination="list")), Sent)
        ((to, got),) = box.mails
        assert to == ["viewers@example.org"]
        assert got["Subject"] == "Open bell with Jo is live"
        assert got["Message-ID"] == "<msg_0123456789abcdef@example.org>"
        assert got["List-Unsubscribe"] == "<https://example.org/unsubscribe>"
        assert got["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert got["Auto-Submitted"] == "auto-generated"
        assert got.get_content_type() == "multipart/alternative"
        plain, html = (got.get_body((kind,)) for kind in ("plain", "html"))
        assert plain is not None
        assert html is not None
        assert "https://live.example.org/watch/coffee-and-stocks" in plain.get_content()
        assert '<a href="https://live.example.org/watch/coffee-and-stocks">' in html.get_content()

    def test_people_do_not_see_each_other(self, place: Destination, box: Box) -> None:
        people = ("ann@example.org", "bob@example.org")
        delivery(place.model_copy(update={"mail_to": people})).send(message(destination="list"))
        ((to, got),) = box.mails
        assert to == list(people)
        assert got["To"] == "live@example.org"
        assert not any(name in got.as_string() for name in people)

    @pytest.mark.parametrize("refusal, kind", [("450 later", Again), ("550 nobody", Dead)])
    def test_what_the_server_says_counts(self, place: Destination, box: Box, refusal: str, kind: type) -> None:
        box.refusal = refusal
        assert isinstance(delivery(place).send(message(destination="list")), kind)

    def test_a_server_without_starttls_is_not_told_in_the_clear(self, place: Destination, box: Box) -> None:
        outcome = delivery(place.model_copy(update={"smtp_security": "starttls"})).send(message(destination="list"))
        assert isinstance(outcome, Broken)
        assert box.mails == []

    def test_the_guard_stands_before_mail_too(self, place: Destination, box: Box) -> None:
        assert isinstance(delivery(place, allow=()).send(message(destination="list")), Broken)
        assert box.mails == []

    @pytest.mark.parametrize("goodbye", ["421 too busy", "500 what", "", "bye"])
    def test_what_a_server_says_to_the_goodbye_changes_nothing(
        self, place: Destination, box: Box, goodbye: str
    ) -> None:
        box.goodbye = goodbye
        assert delivery(place).send(message(destination="list")) == Sent(250)
        assert len(box.mails) == 1

    @pytest.mark.parametrize("refusal", ["450 later", "550 nobody"])
    def test_whoever_is_refused_beside_others_is_named_by_number_and_not_tried_again(
        self, place: Destination, box: Box, refusal: str
    ) -> None:
        box.refusal, box.only = refusal, "bob@example.org"
        people = ("ann@example.org", "bob@example.org", "cy@example.org")
        outcome = delivery(place.model_copy(update={"mail_to": people})).send(message(destination="list"))
        told = f"1 of 3 recipients were refused ({refusal[:3]}), and are not tried again"
        assert outcome == Sent(250, None, told)
        assert [to for to, _ in box.mails] == [["ann@example.org", "cy@example.org"]]

    def test_where_nobody_has_it_one_who_is_refused_for_now_is_reason_enough(
        self, place: Destination, box: Box
    ) -> None:
        box.refusal, box.by_name = "550 nobody", {"bob@example.org": "450 later"}
        people = ("ann@example.org", "bob@example.org")
        outcome = delivery(place.model_copy(update={"mail_to": people})).send(message(destination="list"))
        assert isinstance(outcome, Again)

    @pytest.mark.parametrize("stage, kind", [("banner", Again), ("recipient", Again), ("message", Unknown)])
    def test_a_server_that_dawdles_is_left_in_time(
        self, monkeypatch: pytest.MonkeyPatch, stage: str, kind: type
    ) -> None:
        monkeypatch.setattr(mail, "SECONDS", 1.0)

        def talk(connection: socket.socket, drip: Callable[[bytes], None]) -> None:
            if stage == "banner":
                drip(b"2")
            lines = connection.makefile("rb")
            connection.sendall(b"220 hello\r\n")
            while line := lines.readline():
                if line.lower().startswith(b"rcpt") and stage == "recipient":
                    drip(b"250-x\r\n")
                if line.strip() == b".":
                    drip(b"2")
                said = b"354 go on" if line.strip().lower() == b"data" else b"250 fine"
                if line[:4].upper().strip() in {b"EHLO", b"MAIL", b"RCPT", b"DATA"}:
                    connection.sendall(said + b"\r\n")

        with dripping(talk) as port:
            place = destination(
                "list", "email", smtp_host="127.0.0.1", smtp_port=port, smtp_security="none",
                mail_from="a@b.c", mail_to=("d@e.f",),
            )  # fmt: skip
            began = time.monotonic()
            outcome = delivery(place).send(message(destination="list"))
            assert time.monotonic() - began < 2
        assert isinstance(outcome, kind)
        assert "in time" in outcome.reason  # type: ignore[attr-defined]

    @pytest.mark.parametrize("end", ["\r", "\n", "\x0b", "\x0c", "\x1e", "\x85", "\u2028", "\u2029", "\r\n \t"])
    def test_a_title_of_several_lines_is_one_subject(self, place: Destination, end: str) -> None:
        made = mail.mail(place, message(), Words(f"now{end}Bcc: eve@example.org", "text"))
        assert (made["Subject"], made["Bcc"]) == ("now Bcc: eve@example.org", None)

    def test_one_click_is_for_https_only(self, place: Destination) -> None:
        made = mail.mail(place.model_copy(update={"unsubscribe": "http://example.org/bye"}), message(), Words("a", "b"))
        assert (made["List-Unsubscribe"], made["List-Unsubscribe-Post"]) == ("<http://example.org/bye>", None)

    def test_html_of_a_title_is_text(self) -> None:
        words = Words("<b>now</b>", "a <script> & https://example.org/?a=1&b=2")
        html = mail.html(words, message())
        assert "<h1>&lt;b&gt;now&lt;/b&gt;</h1>" in html
        assert '<a href="https://example.org/?a=1&amp;b=2">' in html
        assert "<script>" not in html

    def test_nobody_there_is_tried_again(self) -> None:
        place = destination("list", "email", smtp_host="127.0.0.1", smtp_port=9, mail_from="a@b.c", mail_to=("d@e.f",))
        assert isinstance(delivery(place).send(message(destination="list")), Again)
        with pytest.raises(Exception, match="smtp_host"):
            mail.send(Guard(), place.model_copy(update={"smtp_host": None}), None, message(), Words("a", "b"))
