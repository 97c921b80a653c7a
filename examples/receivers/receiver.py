"""A receiver in plain Python 3, standard library only.

    WEBHOOK_SECRET=whsec_... PORT=4000 python3 receiver.py

Checks both families of signatures that webhook-delivery sends: Standard Webhooks (webhook-*), which
covers the id and the timestamp, and the plain one (x-webhook-*), which covers the body alone. Where the
first is present it decides. While a secret is being changed, WEBHOOK_SECRET_OLD holds the older one.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
import traceback
from collections import OrderedDict
from concurrent.futures import Future
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


def verify(body: bytes, headers, keys: list) -> str:
    """The id of the delivery; raises VerificationError when none of the keys signed it, or not lately."""
    if any(headers.get(name) is not None for name in STANDARD_HEADERS):
        delivery_id, timestamp, given = (required(headers, name) for name in STANDARD_HEADERS)
        check_timestamp(timestamp)
        signed = f"{delivery_id}.{timestamp}.".encode("latin-1", "replace") + body
        digests = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
        expected = ["v1," + base64.b64encode(digest).decode() for digest in digests]
        # Several, separated by spaces, while a secret is being changed.
        find_signature(given.split(" "), expected)
        return delivery_id
    given = required(headers, "x-webhook-signature")
    check_timestamp(required(headers, "x-webhook-timestamp"))
    expected = ["sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest() for key in keys]
    return find_signature([given], expected)  # nothing else names it that is signed


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


def find_signature(given: list, expected: list) -> str:
    """The one that is right; every pair is compared, whichever it is."""
    sent = [one.encode("latin-1", "replace") for one in given]
    right = [own for own in expected for one in sent if hmac.compare_digest(one, own.encode())]
    if not right:
        raise VerificationError("no_matching_signature")
    return right[0]


class Receiver(BaseHTTPRequestHandler):
    keys: list = []
    # What was begun, by id, oldest first. In earnest: a table with a unique id, written with the work.
    begun: "OrderedDict[str, Future]" = OrderedDict()
    lock = threading.Lock()
    timeout = 10  # seconds for a client that says nothing

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            pass  # whoever it was has left

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > MAX_BODY_BYTES:
            return self.answer(413, {"error": "body_too_large"})
        body = self.rfile.read(int(length))  # as it came: the signature is over these bytes
        try:
            delivery_id = verify(body, self.headers, self.keys)
            payload = json.loads(body)
        except VerificationError as error:
            return self.answer(401, {"error": str(error)})
        except ValueError:
            return self.answer(400, {"error": "invalid_json"})
        try:
            self.do_once(delivery_id, payload)
        except Exception:  # ours: 500, and the delivery is tried again
            traceback.print_exc()
            return self.answer(500, {"error": "failed"})
        self.answer(204)

    def do_once(self, delivery_id: str, payload) -> None:
        """The same delivery may come twice, also while it is being worked on: both have the same outcome."""
        with self.lock:
            known = self.begun.get(delivery_id)
            if known is None:
                work = self.begun[delivery_id] = Future()
                if len(self.begun) > REMEMBERED:
                    self.begun.popitem(last=False)
        if known is not None:
            return known.result()
        try:
            work.set_result(handle(delivery_id, self.headers.get("x-webhook-event"), payload))
        except Exception as error:
            with self.lock:
                self.begun.pop(delivery_id, None)
            work.set_exception(error)
            raise

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
    """Your work, before the answer.

    The sender waits 10 s and then tries again: what takes longer is stored here, and done later.
    """
    print(f"handled {delivery_id} {event}", json.dumps(payload), flush=True)


if __name__ == "__main__":
    newer = key_bytes(os.environ.get("WEBHOOK_SECRET", ""))
    older = key_bytes(os.environ.get("WEBHOOK_SECRET_OLD", ""))
    if not newer:
        raise SystemExit("WEBHOOK_SECRET is not set")
    Receiver.keys = [newer, older] if older else [newer]
    host = os.environ.get("HOST", "127.0.0.1")
    server = ThreadingHTTPServer((host, int(os.environ.get("PORT", "4000"))), Receiver)
    print(f"listening on http://{host}:{server.server_port}/webhooks", flush=True)
    server.serve_forever()
