"""Google Workspace: the same tenant behind another kind of server."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.google_workspace import connect
from connectors.google_workspace.manifest import MANIFEST
from models.vocabulary import Account, EntitlementKind, Service
from tests.contract.rig import Rig
from tests.contract.rig_google_workspace import FAST, rig

K = EntitlementKind
PREFIX = "/behind/a/path"


@contextmanager
def front(root: str, *, protocol: str, date: bool) -> Iterator[str]:
    """Serve *root* under a path, by HTTP/1.0 or in chunks, with header names in small letters, with or without a date."""
    port = urlsplit(root).port

    class Front(BaseHTTPRequestHandler):
        protocol_version = protocol

        def forward(self) -> None:
            inner = http.client.HTTPConnection("127.0.0.1", port)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {
                k: v for k, v in self.headers.items() if k.lower() not in {"host", "connection", "accept-encoding"}
            }
            inner.request(self.command, self.path.removeprefix(PREFIX), body or None, headers)
            answer = inner.getresponse()
            content, stamp = answer.read(), answer.getheader("date")
            inner.close()
            self.send_response_only(answer.status)
            if date and stamp is not None:
                self.send_header("date", stamp)
            self.send_header("content-type", "application/json")
            if protocol == "HTTP/1.1" and answer.status != 204:
                self.send_header("transfer-encoding", "chunked")
                content = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content) if content else b"0\r\n\r\n"
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = forward  # noqa: N815  # the base's names

        def log_message(self, *_: Any) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()


def root_of(r: Rig) -> str:
    found: str = r.connector._transport._settings.endpoint  # type: ignore[attr-defined]  # as the setting has it
    return found


class TestFront:
    @pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/1.1"])
    @pytest.mark.parametrize("date", [True, False])
    @pytest.mark.parametrize("customer", ["my_customer", "C03h0sh1z"])
    async def test_everything(self, protocol: str, date: bool, customer: str) -> None:
        """Found, listed, cut and seen cut, under a path, by any HTTP, with the customer's own id, with or without a date."""
        async with rig(page_size=2) as r:
            settings = r.connector._transport._settings  # type: ignore[attr-defined]  # as above
            with front(root_of(r), protocol=protocol, date=date) as root:
                changed = settings.model_copy(update={"endpoint": f"{root}/", "customer": customer})
                connector = await connect(changed, pace=FAST)
                try:
                    who = Account(Service.GOOGLE_WORKSPACE, r.account_id("E1001"), label="x@hoshizora.example")
                    listing = await connector.list_access(who)
                    assert {e.id for e in listing} == r.held(who.id)
                    proofs = [proof for several in listing.evidence.values() for proof in several]
                    assert {proof.vendor_at is not None for proof in proofs} == {date}
                    await connector.freeze(who)
                    for entitlement in sorted(listing, key=lambda e: MANIFEST.kinds[e.kind].order):
                        if not MANIFEST.kinds[entitlement.kind].frozen:
                            await connector.revoke(entitlement)
                    assert r.held(who.id) == set()
                    assert {e.kind for e in await connector.list_access(who)} == {K.SESSION, K.PASSWORD}
                    assert r.changed() == {who.id}
                finally:
                    await connector.aclose()
