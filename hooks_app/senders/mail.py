"""E-mail: a multipart message to a list's address or a few people's, by the site's own SMTP server."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from typing import Any

from headend.announcing.words import Words
from headend.model.announcements import Destination
from hooks_app.announcer.message import Message
from hooks_app.deadline import Deadline
from hooks_app.outbound import SECONDS, Guard, NotSentError
from hooks_app.senders.outcome import Again, Broken, Dead, Outcome, Sent, Unknown

LOGIN_REFUSED = frozenset({530, 534, 535, 538})


def send(guard: Guard, place: Destination, password: str | None, message: Message, words: Words) -> Outcome:
    """Send it. Raises NotSentError."""
    with Deadline(SECONDS) as deadline:
        way = _Way(guard, deadline)
        try:
            return _tell(way, place, password, mail(place, message, words))
        except smtplib.SMTPAuthenticationError as error:
            kind = Broken if error.smtp_code in LOGIN_REFUSED else None
            return _by_code(error.smtp_code, "the server refuses the login", kind)
        except smtplib.SMTPRecipientsRefused as error:
            # Nobody has it yet: whoever is refused for now is reason enough to try again.
            code = min((code for code, _ in error.recipients.values()), default=550)
            return _by_code(code, "the server refuses every recipient")
        except smtplib.SMTPResponseException as error:
            if not 400 <= error.smtp_code < 600:
                # Half a line, or none that SMTP knows.
                return _broken_off(way, "the server's answer cannot be read")
            return _by_code(error.smtp_code, "the server refuses the message")
        except smtplib.SMTPNotSupportedError:
            return Broken("the server does not offer what smtp_security or smtp_user asks for")
        except ssl.SSLCertVerificationError:
            return Broken("the server's certificate is not trusted")
        except (smtplib.SMTPException, OSError) as error:
            return _broken_off(way, f"no connection ({type(error).__name__})")


def mail(place: Destination, message: Message, words: Words) -> EmailMessage:
    """The message. Its id is the same at every attempt: mail programs show one of two copies."""
    made = EmailMessage()
    made["From"] = place.mail_from or ""
    # The list's own address; people are in the envelope only.
    made["To"] = place.mail_to[0] if len(place.mail_to) == 1 else place.mail_from or ""
    # One line, whatever Unicode calls the end of one.
    made["Subject"] = " ".join(words.title.split())
    made["Date"] = format_datetime(message.made_at)
    domain = (place.mail_from or "@localhost").rpartition("@")[2]
    made["Message-ID"] = f"<{message.uid}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    if place.unsubscribe:
        # RFC 2369; one click is for https only (RFC 8058 3.1).
        made["List-Unsubscribe"] = f"<{place.unsubscribe}>"
        if place.unsubscribe.startswith("https://"):
            made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(words.body + "\n")
    made.add_alternative(html(words, message), subtype="html")
    return made


def html(words: Words, message: Message) -> str:
    """The words as HTML; every link of the text is one."""
    lines = []
    for paragraph in words.body.split("\n\n"):
        pieces = [_linked(word) for word in escape(paragraph).split(" ")]
        lines.append("<p>" + " ".join(pieces).replace("\n", "<br>\n") + "</p>")
    picture = message.story.poster_url
    image = f'<p><img src="{escape(picture)}" alt="" width="640"></p>\n' if picture else ""
    return (
        f"<!doctype html>\n<html><body>\n<h1>{escape(words.title)}</h1>\n{image}"
        + "\n".join(lines)
        + "\n</body></html>\n"
    )


def _linked(word: str) -> str:
    if not word.startswith(("https://", "http://")):
        return word
    url, newline, rest = word.partition("\n")
    return f'<a href="{url}">{url}</a>' + newline + rest


@dataclass(slots=True)
class _Way:
    """Whom a conversation may reach, until when, and how far it came."""

    guard: Guard
    deadline: Deadline
    handed_over: bool = False
    """From here on the message may have arrived."""


class _Plain(smtplib.SMTP):
    def __init__(self, way: _Way, *args: Any, **more: Any) -> None:
        self._way = way
        super().__init__(*args, **more)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._way.guard.connect(host, port, self._way.deadline)

    def send(self, s: Any) -> None:
        # Commands are text; the message itself, which follows DATA's 354, is bytes.
        if isinstance(s, bytes):
            self._way.handed_over = True
        super().send(s)


class _Tls(_Plain, smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=host)


def _tell(way: _Way, place: Destination, password: str | None, made: EmailMessage) -> Outcome:
    people = list(place.mail_to)
    server = _connect(way, place)
    try:
        server.ehlo()
        if place.smtp_security == "starttls":
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if place.smtp_user and password:
            server.login(place.smtp_user, password)
        refused = server.send_message(made, place.mail_from, people)
    finally:
        # What the server says to the goodbye changes nothing of what it said before.
        with suppress(smtplib.SMTPException, OSError, ValueError):
            server.quit()
        server.close()
    if not refused:
        return Sent(250)
    # One try for everybody: another one would reach those again who have it.
    codes = ", ".join(sorted({str(code) for code, _ in refused.values()}))
    return Sent(
        250, reason=f"{len(refused)} of {len(people)} recipients were refused ({codes}), and are not tried again"
    )


def _connect(way: _Way, place: Destination) -> smtplib.SMTP:
    if not place.smtp_host:
        raise NotSentError("there is no smtp_host")
    name = (place.mail_from or "headend@localhost").rpartition("@")[2]
    if place.smtp_security == "tls":
        context = ssl.create_default_context()
        return _Tls(way, place.smtp_host, place.smtp_port, local_hostname=name, timeout=SECONDS, context=context)
    return _Plain(way, place.smtp_host, place.smtp_port, local_hostname=name, timeout=SECONDS)


def _broken_off(way: _Way, reason: str) -> Outcome:
    if way.handed_over:
        late = way.deadline.is_over
        return Unknown(
            "no answer in time" if late else "the connection broke before the server had said yes", again=False
        )
    return Again("no answer in time" if way.deadline.is_over else reason)


def _by_code(code: int, reason: str, kind: type[Broken] | None = None) -> Outcome:
    said = f"{reason} ({code})"
    if kind is not None:
        return kind(said, code)
    # RFC 5321 4.2.1: 4yz may be tried again, 5yz not.
    return Again(said, code) if 400 <= code < 500 else Dead(said, code)
