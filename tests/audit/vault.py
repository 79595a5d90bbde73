"""A transit engine on a real socket: as much of Vault's HTTP API as its own client needs to sign (developer.hashicorp.com/vault/api-docs/secret/transit)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

TOKEN = "s.rehearsal"


@dataclass
class Transit:
    """Key versions, oldest first.  *answers_with* is the version that really signs: a store may be wrong."""

    url: str = ""
    versions: list[Ed25519PrivateKey] = field(default_factory=lambda: [Ed25519PrivateKey.generate()])
    answers_with: int | None = None
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def sign(self, wanted: int, message: bytes) -> str:
        used = wanted if self.answers_with is None else self.answers_with
        signature = base64.b64encode(self.versions[used - 1].sign(message)).decode()
        return f"vault:v{used}:{signature}"


@contextmanager
def transit() -> Iterator[Transit]:
    """Serve one engine until the end of the block."""
    engine = Transit()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            engine.asked.append(self.path)
            allowed = engine.status if self.headers.get("X-Vault-Token") == TOKEN else 403
            answer: dict[str, object]
            if allowed == 200:
                message = base64.b64decode(body["input"])
                answer = {"data": {"signature": engine.sign(int(body["key_version"]), message)}}
            else:
                answer = {"errors": ["permission denied"]}
            self.send_response(allowed)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_PUT = do_POST  # noqa: N815  # the base class finds it by this name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's own name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    engine.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
