"""Runs on a laboratory host: receives announcements on loopback and writes down what came. Standard library only."""

from __future__ import annotations

import hmac
import json
import os
import sys
import time
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TOLERANCE_SECONDS = 300


def is_signed(key: str, headers: dict[str, str], body: bytes) -> bool:
    """Standard Webhooks: v1 is HMAC-SHA256 over id.timestamp.body."""
    uid, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = b".".join((uid.encode(), timestamp.encode(), body))
    wanted = "v1," + b64encode(hmac.digest(b64decode(key.removeprefix("whsec_")), signed, "sha256")).decode()
    return any(hmac.compare_digest(wanted, one) for one in headers.get("webhook-signature", "").split())


def occasion_of(post: dict[str, Any], method: str) -> str:
    """A post of Discord's shape does not name its occasion: its colour and its method do."""
    if method == "PATCH":
        return "ended"
    return "live" if post["embeds"][0]["color"] == 0xE01B24 else "news"


def main() -> None:
    """receiver.py PORT LOG"""
    port, log = int(sys.argv[1]), Path(sys.argv[2])
    keys = json.loads((Path(os.environ["CREDENTIALS_DIRECTORY"]) / "keys").read_text())
    post_path, number = urlsplit(keys["demo-discord"]).path, iter(range(10**17, 10**18))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            at, body = time.monotonic(), self.rfile.read(int(self.headers.get("Content-Length", "0")))
            path, said = urlsplit(self.path).path, json.loads(body)
            if path.startswith(post_path):
                line = {"destination": "demo-discord", "occasion": occasion_of(said, self.command), "genuine": True}
                line["title"] = said["embeds"][0]["title"]
                self.answer(200, {"id": str(next(number))})
            elif path == "/hooks/live":
                headers = {name.lower(): value for name, value in self.headers.items()}
                genuine = is_signed(keys["demo-site"], headers, body)
                occasion = said["type"].removeprefix("stream.")
                line = {"destination": "demo-site", "occasion": occasion, "genuine": genuine}
                line["title"] = said["text"]["title"]
                self.answer(204 if genuine else 401, None)
            else:
                self.answer(404, {"code": 10015, "message": "Unknown Webhook"})
                return
            with log.open("a") as file:
                file.write(json.dumps({**line, "at": at}) + "\n")

        do_PATCH = do_POST  # noqa: N815

        def answer(self, status: int, document: dict[str, Any] | None) -> None:
            content = json.dumps(document).encode() if document is not None else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            """The file has what matters."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main()
