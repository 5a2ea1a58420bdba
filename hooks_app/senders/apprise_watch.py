"""What the child that runs Apprise puts between its plugins and the network."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from hooks_app.deadline import Deadline
from hooks_app.outbound import Answer, Guard, NotSentError, Outbound, RefusedError, UnknownOutcomeError
from hooks_app.senders.apprise_report import Call

READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Watch:
    """From `install` on HTTP goes by our own way out, and no socket to an address that the guard has not judged."""

    def __init__(self, guard: Guard, deadline: Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
        self._taken: set[str] = set()
        self._doubtful: set[tuple[str, str, bytes]] = set()
        self.refused = False
        self.connected = False
        self.calls: list[Call] = []

    def install(self) -> None:
        """For this process, for good."""
        watch = self

        def sent(_session: requests.Session, request: requests.PreparedRequest, **_more: Any) -> requests.Response:
            return watch.send(request)

        def connecting(connect: Callable[..., Any]) -> Callable[..., Any]:
            def connected(self: socket.socket, address: Any) -> Any:
                watch.check(self.family, address)
                watch._deadline.watch(self)
                made = connect(self, address)
                watch.connected = True
                return made

            return connected

        def sending(send: Callable[..., Any]) -> Callable[..., Any]:
            def sent(self: socket.socket, *args: Any) -> Any:
                # sendto(data[, flags], address), sendmsg(buffers[, ancillary[, flags[, address]]]).
                address = args[-1] if send.__name__ == "sendto" else (args[3] if len(args) > 3 else None)
                if address is not None:
                    watch.check(self.family, address)
                watch.connected = True
                return send(self, *args)

            return sent

        requests.Session.send = sent  # type: ignore[method-assign, assignment]
        for names, guarded in ((("connect", "connect_ex"), connecting), (("sendto", "sendmsg"), sending)):
            for name in names:
                setattr(socket.socket, name, guarded(getattr(socket.socket, name)))

    def check(self, family: int, address: Any) -> None:
        """Raises PermissionError for an address that may not be reached; a name is resolved before it gets here."""
        try:
            allowed = family in (socket.AF_INET, socket.AF_INET6) and self._guard.may(
                ip_address(str(address[0]).partition("%")[0])
            )
        except (ValueError, TypeError, IndexError):
            allowed = False
        if not allowed:
            self.refused = True
            raise PermissionError("not a public address")

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """A plugin's request, with the guard, the limits and the redirects of ours. Raises RequestException."""
        method, url, body = request.method or "GET", request.url or "", _bytes(request.body)
        place, reads = url.partition("?")[0], method in READING
        known = {"reads": reads, "again": place in self._taken}
        if (method, url, body) in self._doubtful:
            # It may have arrived; plugins that try again by themselves would say it twice.
            raise requests.exceptions.ReadTimeout("not again")
        try:
            outbound = Outbound(self._guard, self._deadline.left_seconds)
            answer = outbound.send(method, url, body, _headers(request.headers))
        except NotSentError as error:
            self.refused = self.refused or isinstance(error, RefusedError)
            self.calls.append(Call.model_validate(known))
            raise requests.exceptions.ConnectionError("not sent") from None
        except UnknownOutcomeError:
            self._doubtful.add((method, url, body))
            self.calls.append(Call.model_validate({**known, "sent": True}))
            raise requests.exceptions.ReadTimeout("no whole answer") from None
        said = {"status": answer.status, "sent": True, "retry_after": answer.headers.get("retry-after", "")}
        call = Call.model_validate({**known, **said})
        self.calls.append(call)
        if call.is_taken:
            self._taken.add(place)
        return _response(request, answer)


def _bytes(body: object) -> bytes:
    if body is None or isinstance(body, bytes | bytearray):
        return bytes(body or b"")
    if isinstance(body, str):
        return body.encode()
    # Only attachments are streamed, and there are none.
    raise requests.exceptions.InvalidSchema("a stream")


def _headers(headers: Mapping[str, str | bytes]) -> dict[str, str]:
    """Without what the way out says itself."""
    ours = {"accept-encoding", "content-length", "connection"}
    return {
        name: text.decode("latin-1") if isinstance(text, bytes) else text
        for name, text in headers.items()
        if name.lower() not in ours
    }


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    made = requests.Response()
    made.status_code, made.request, made.url = answer.status, request, request.url or ""
    made.headers = CaseInsensitiveDict(answer.headers)
    made.encoding = get_encoding_from_headers(made.headers)
    made.reason = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
    made._content, made._content_consumed = answer.body, True  # type: ignore[attr-defined]
    return made
