"""Takes what Holdfast sends: only what is genuine, and each message once. Python 3.9 or newer, and nothing else."""

import base64
import hmac
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

BODY_BYTES_MAX = 4 * 1024 * 1024
AGE_SECONDS_MAX = 300
IDS_MAX = 10_000

# Their ids, oldest first. A table of the database you write to anyway has no such bound, and outlives a restart.
taken = {}
taking = threading.Lock()


def take(topic, body):
    """Your part. When it raises, the answer is 500 and the message comes again. Slow work belongs in a queue of your own."""
    text = body[:80].decode(errors="replace")
    print(json.dumps({"topic": topic, "bytes": len(body), "text": text}), flush=True)


def take_once(webhook_id, topic, body):
    """One at a time: a repeat waits for the first. What failed is not noted, and may come again."""
    with taking:
        if webhook_id in taken:
            return
        take(topic, body)
        taken[webhook_id] = True
        if len(taken) > IDS_MAX:
            del taken[next(iter(taken))]


def flaw_of(headers, body):
    """Why a request is not from the gateway; None when it is."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    webhook_id, timestamp, signatures = (headers.get(name, "") for name in names)
    if not (webhook_id and timestamp and signatures):
        return "webhook-id, webhook-timestamp and webhook-signature are needed"
    if not timestamp.isdecimal() or abs(time.time() - float(timestamp)) > AGE_SECONDS_MAX:
        return "webhook-timestamp is not of these minutes"
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    wanted = [b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in KEYS]
    given = signatures.encode().split(b" ")
    if any(hmac.compare_digest(one, other) for one in given for other in wanted):  # in constant time
        return None
    return "no signature is of a secret that is known here"


class Receiver(BaseHTTPRequestHandler):
    timeout = 30  # seconds without a byte; then the connection is closed

    def do_POST(self):
        if self.path != "/events":
            return self.answer(404)
        try:
            length = int(self.headers.get("content-length", ""))
        except ValueError:
            return self.answer(411, "content-length is needed")
        if not 0 <= length <= BODY_BYTES_MAX:
            while length > 0 and self.rfile.read(min(length, 65536)):  # still writing, it would miss the answer
                length -= 65536
            return self.answer(413, f"more than {BODY_BYTES_MAX} bytes")
        body = self.rfile.read(length)
        if len(body) < length:
            return None  # cut off
        flaw = flaw_of(self.headers, body)
        if flaw:
            return self.answer(401, flaw)
        try:
            take_once(self.headers["webhook-id"], unquote(self.headers.get("mqtt-topic", "")), body)
        except Exception:
            self.answer(500)
            raise
        return self.answer(204)

    def answer(self, status, text=""):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())


class Server(ThreadingHTTPServer):
    daemon_threads = False  # at the end, what is in flight is answered first
    request_queue_size = 128


def keys():
    """Of WEBHOOK_SECRETS or the file WEBHOOK_SECRETS_FILE."""
    secrets, file = os.environ.get("WEBHOOK_SECRETS"), os.environ.get("WEBHOOK_SECRETS_FILE")
    if secrets is None and file is not None:
        with open(file, encoding="utf-8") as lines:
            secrets = lines.read()
    found = [key_of(secret) for secret in (secrets or "").split()]
    return found or sys.exit("WEBHOOK_SECRETS, or the file WEBHOOK_SECRETS_FILE, must hold secrets")


def key_of(secret):
    key = base64.b64decode(secret[len("whsec_") :], validate=True) if secret.startswith("whsec_") else b""
    return key if len(key) >= 24 else sys.exit("a secret is written whsec_ and base64")


KEYS = keys()
with Server(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Receiver) as server:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
