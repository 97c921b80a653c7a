"""A receiver in plain Python 3, standard library only.

    WEBHOOK_SECRET=whsec_... PORT=4000 python3 receiver.py

Checks both families of signatures that webhook-delivery sends: Standard Webhooks (webhook-*), which
covers the id and the timestamp, and the plain one (x-webhook-*), which covers the body alone. Where the
first is present it decides.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 300
MAX_BODY_BYTES = 1_000_000
REMEMBERED = 10_000
STANDARD_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class VerificationError(Exception):
    """Its text is a stable code."""


def key_bytes(secret: str) -> bytes:
    """whsec_ + base64 is decoded, any other secret is its UTF-8 bytes."""
    if secret.startswith("whsec_"):
        return base64.b64decode(secret[len("whsec_") :], validate=True)
    return secret.encode()


def verify(body: bytes, headers, key: bytes) -> str:
    """The id of the delivery; raises VerificationError when it is not to be trusted."""
    if any(headers.get(name) is not None for name in STANDARD_HEADERS):
        delivery_id, timestamp, given = (required(headers, name) for name in STANDARD_HEADERS)
        check_timestamp(timestamp)
        signed = f"{delivery_id}.{timestamp}.".encode("latin-1", "replace") + body
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        # Several, separated by spaces, while a secret is being changed.
        check_signature(given.split(" "), expected)
        return delivery_id
    given = required(headers, "x-webhook-signature")
    check_timestamp(required(headers, "x-webhook-timestamp"))
    expected = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    check_signature([given], expected)
    return expected  # nothing else names it that is signed


def required(headers, name: str) -> str:
    value = headers.get(name)
    if not value:
        raise VerificationError("missing_headers")
    return value


def check_timestamp(text: str) -> None:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise VerificationError("invalid_timestamp")
    age = time.time() - int(text)
    if age > TOLERANCE_SECONDS:
        raise VerificationError("timestamp_too_old")
    if age < -TOLERANCE_SECONDS:
        raise VerificationError("timestamp_too_new")


def check_signature(given: list, expected: str) -> None:
    right = [hmac.compare_digest(one.encode("latin-1", "replace"), expected.encode()) for one in given]
    if not any(right):
        raise VerificationError("no_matching_signature")


class Receiver(BaseHTTPRequestHandler):
    key = b""
    # Ids of what was taken, oldest first. In earnest: a table with a unique id, written before the answer.
    taken: "OrderedDict[str, None]" = OrderedDict()
    lock = threading.Lock()
    timeout = 10  # seconds for a client that says nothing

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > MAX_BODY_BYTES:
            return self.answer(413, {"error": "body_too_large"})
        body = self.rfile.read(int(length))  # as it came: the signature is over these bytes
        try:
            delivery_id = verify(body, self.headers, self.key)
            payload = json.loads(body)
        except VerificationError as error:
            return self.answer(401, {"error": str(error)})
        except ValueError:
            return self.answer(400, {"error": "invalid_json"})
        if self.is_new(delivery_id):
            # Your work, after the answer: the sender need not wait for it.
            event = self.headers.get("x-webhook-event")
            threading.Thread(target=handle, args=(delivery_id, event, payload)).start()
        self.answer(204)

    def is_new(self, delivery_id: str) -> bool:
        """The same delivery may come twice: when our answer was lost, or when it is replayed."""
        with self.lock:
            if delivery_id in self.taken:
                return False
            self.taken[delivery_id] = None
            if len(self.taken) > REMEMBERED:
                self.taken.popitem(last=False)
            return True

    def answer(self, status: int, body: "dict | None" = None) -> None:
        self.send_response(status)
        if body is not None:
            content = json.dumps(body).encode()
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        else:
            self.end_headers()


def handle(delivery_id: str, event: "str | None", payload) -> None:
    print(f"handled {delivery_id} {event}", json.dumps(payload), flush=True)


if __name__ == "__main__":
    Receiver.key = key_bytes(os.environ.get("WEBHOOK_SECRET", ""))
    if not Receiver.key:
        raise SystemExit("WEBHOOK_SECRET is not set")
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "4000"))), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}/webhooks", flush=True)
    server.serve_forever()
