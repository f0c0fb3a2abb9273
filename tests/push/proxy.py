"""A proxy in front of a registry: counts requests and bytes, makes errors, and issues tokens.

    proxy.py DIRECTORY --upstream HOST:PORT [--tls CERTIFICATE KEY] [--token CERTIFICATE KEY]

DIRECTORY/port is written when the proxy listens on 127.0.0.1. DIRECTORY/log gets one JSON object for each request:
method, path, status, and the bytes of the request body. DIRECTORY/faults, read before each request, is a list of

    { "method": REGEX, "path": REGEX, "skip": N, "times": N, … }

that applies to the requests after the first `skip`, `times` times (default: always), with one of

    "status": 503, "headers": {…}, "body": "…"   answers that without asking the registry
    "cut": BYTES                                 closes the connection after that much of the request body
    "suffix": "…"                                appends this to the body of the answer

With --token, /token issues JSON Web Tokens for the user `me` with the password in DIRECTORY/password, signed with the
key; DIRECTORY/lifetime has their lifetime in seconds.
"""

import argparse
import base64
import http.client
import json
import os
import re
import ssl
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

arguments = argparse.ArgumentParser()
arguments.add_argument("directory", type=Path)
arguments.add_argument("--upstream", required=True)
arguments.add_argument("--tls", nargs=2)
arguments.add_argument("--token", nargs=2)
arguments = arguments.parse_args()
lock = threading.Lock()
seen = {"text": None, "counts": []}


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(scopes, account):
    """A token that docker-registry accepts: RS256, with the certificate of the key in its header."""
    certificate, key = arguments.token
    lines = Path(certificate).read_text().split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0]
    lifetime = int((arguments.directory / "lifetime").read_text())
    now = int(time.time())
    access = []
    for scope in scopes:
        kind, name, actions = re.fullmatch(r"([^:]*):(.*):([^:]*)", scope).groups()
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(lines.split())]}
    claims = {
        "iss": "test",
        "sub": account,
        "aud": "test",
        "iat": now,
        "nbf": now - 3600,
        "exp": now + lifetime,
        "jti": str(time.time_ns()),
        "access": access,
    }
    text = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    signature = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(), stdout=subprocess.PIPE, check=True
    ).stdout
    return {"token": f"{text}.{encode(signature)}", "expires_in": max(lifetime, 60)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # a client that leaves

    def log_message(self, *_):
        pass

    def fault(self):
        try:
            text = (arguments.directory / "faults").read_text()
        except FileNotFoundError:
            return None
        with lock:
            if text != seen["text"]:
                seen.update(text=text, counts=[0] * len(json.loads(text)))
            for index, fault in enumerate(json.loads(text)):
                if re.fullmatch(fault["method"], self.command) and re.search(fault["path"], self.path):
                    seen["counts"][index] += 1
                    number = seen["counts"][index] - fault.get("skip", 0)
                    if 0 < number <= fault.get("times", 1 << 30):
                        return fault
        return None

    def body(self):
        """The pieces of the request body."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            piece = self.rfile.read(min(left, 1 << 16))
            if not piece:
                raise ConnectionError
            left -= len(piece)
            yield piece

    def counted(self, limit=None):
        for piece in self.body():
            self.received += len(piece)
            if limit is not None and self.received > limit:
                self.cut = True
                raise ConnectionError
            yield piece

    def answer(self, status, headers, body):
        self.status = status
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = dict((name.lower(), value) for name, value in headers).get("content-length", "0")
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_request(self):
        self.received, self.status, self.cut = 0, 0, False
        try:
            fault = self.fault() or {}
            if "status" in fault:
                for _ in self.counted():
                    pass
                self.answer(fault["status"], list(fault.get("headers", {}).items()), fault.get("body", "").encode())
            elif arguments.token and self.path.startswith("/token"):
                self.issue()
            else:
                self.forward(fault)
        except (ConnectionError, http.client.HTTPException, OSError):
            self.close_connection = True
        finally:
            record = {"method": self.command, "path": self.path, "status": self.status, "bytes": self.received}
            with lock, open(arguments.directory / "log", "a") as log:
                log.write(json.dumps(record | ({"cut": True} if self.cut else {})) + "\n")

    def forward(self, fault):
        upstream = http.client.HTTPConnection(arguments.upstream, timeout=60)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect"):
                upstream.putheader(name, value)
        if arguments.tls:
            upstream.putheader("X-Forwarded-Proto", "https")
        upstream.endheaders()
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
        for piece in self.counted(fault.get("cut")):
            upstream.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            upstream.send(b"0\r\n\r\n")
        response = upstream.getresponse()
        body = response.read() + fault.get("suffix", "").encode()
        self.answer(response.status, response.getheaders(), body)
        upstream.close()

    def issue(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        password = (arguments.directory / "password").read_text().strip()
        wanted = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            self.answer(401, [], b'{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}')
            return
        self.answer(200, [("Content-Type", "application/json")], json.dumps(token(query.get("scope", []), "me")).encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if arguments.tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*arguments.tls)
    server.socket = context.wrap_socket(server.socket, server_side=True)
part = arguments.directory / "port.part"
part.write_text(str(server.server_port))
os.replace(part, arguments.directory / "port")
server.serve_forever()
