"""E-mail: a multipart message to a list's address or a few people's, by the site's own SMTP server."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from headend.announcing.words import Words
from headend.model.announcements import Destination
from hooks_app.announcer.message import Message
from hooks_app.outbound import SECONDS, Guard, NotSentError
from hooks_app.senders.outcome import Again, Broken, Dead, Outcome, Sent, Unknown

LOGIN_REFUSED = frozenset({530, 534, 535, 538})


def send(guard: Guard, place: Destination, password: str | None, message: Message, words: Words) -> Outcome:
    """Send it. Raises NotSentError."""
    end = time.monotonic() + SECONDS
    sent = False
    try:
        with _connect(guard, place, end) as server:
            server.ehlo()
            if place.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            if place.smtp_user and password:
                server.login(place.smtp_user, password)
            sent = True
            refused = server.send_message(mail(place, message, words), place.mail_from, list(place.mail_to))
    except smtplib.SMTPAuthenticationError as error:
        return _by_code(
            error.smtp_code, "the server refuses the login", Broken if error.smtp_code in LOGIN_REFUSED else None
        )
    except smtplib.SMTPRecipientsRefused as error:
        code = max((code for code, _ in error.recipients.values()), default=550)
        return _by_code(code, "the server refuses every recipient")
    except smtplib.SMTPResponseException as error:
        return _by_code(error.smtp_code, "the server refuses the message")
    except smtplib.SMTPNotSupportedError:
        return Broken("the server does not offer what smtp_security or smtp_user asks for")
    except (smtplib.SMTPException, OSError) as error:
        if isinstance(error, ssl.SSLCertVerificationError):
            return Broken("the server's certificate is not trusted")
        if sent:
            return Unknown("the connection broke before the server had said yes", again=False)
        return Again(f"no connection ({type(error).__name__})")
    return Sent(250) if not refused else Sent(250, f"without {len(refused)} refused")


def mail(place: Destination, message: Message, words: Words) -> EmailMessage:
    """The message. Its id is the same at every attempt: mail programs show one of two copies."""
    made = EmailMessage()
    made["From"] = place.mail_from or ""
    # The list's own address; people are in the envelope only.
    made["To"] = place.mail_to[0] if len(place.mail_to) == 1 else place.mail_from or ""
    made["Subject"] = words.title
    made["Date"] = format_datetime(message.made_at)
    domain = (place.mail_from or "@localhost").rpartition("@")[2]
    made["Message-ID"] = f"<{message.uid}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    if place.unsubscribe:
        # RFC 2369, RFC 8058.
        made["List-Unsubscribe"] = f"<{place.unsubscribe}>"
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


def _connect(guard: Guard, place: Destination, end: float) -> smtplib.SMTP:
    class Guarded(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            return guard.connect(host, port, end)

    class GuardedTls(smtplib.SMTP_SSL):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            return self.context.wrap_socket(guard.connect(host, port, end), server_hostname=host)

    if not place.smtp_host:
        raise NotSentError("there is no smtp_host")
    name = (place.mail_from or "headend@localhost").rpartition("@")[2]
    if place.smtp_security == "tls":
        context = ssl.create_default_context()
        return GuardedTls(place.smtp_host, place.smtp_port, local_hostname=name, timeout=SECONDS, context=context)
    return Guarded(place.smtp_host, place.smtp_port, local_hostname=name, timeout=SECONDS)


def _by_code(code: int, reason: str, kind: type[Broken] | None = None) -> Outcome:
    said = f"{reason} ({code})"
    if kind is not None:
        return kind(said, code)
    # RFC 5321 4.2.1: 4yz may be tried again, 5yz not.
    return Again(said, code) if 400 <= code < 500 else Dead(said, code)
