"""The routes of CloudSign's Web API 0.31 that a register of papers needs: paths, parameters, codes, bodies."""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import HTTP
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from emulators.cloudsign.tenant import Document, Tenant

DRAFT, SENT, TEMPLATE, IMPORTED = 0, 1, 4, 13
Answer = Callable[["Tenant", Request], Awaitable[Response]]


class VendorRefusal(Exception):
    """The vendor's errorModel."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


def routes(tenant: Tenant) -> list[Route]:
    """Return the paths of the API."""

    def at(path: str, method: str, answer: Answer, *, secured: bool = True) -> Route:
        @functools.wraps(answer)
        async def endpoint(request: Request) -> Response:
            try:
                if secured:
                    _authorize(tenant, request)
                return await answer(tenant, request)
            except VendorRefusal as refusal:
                return JSONResponse({"error": refusal.error, "message": refusal.error}, refusal.status)

        return Route(path, endpoint, methods=[method])

    one = "/documents/{document_id}"
    return [
        at("/token", "POST", token, secured=False),
        at("/me", "GET", me),
        at("/documents", "GET", documents),
        at("/team_documents", "GET", team_documents),
        at("/documents", "POST", create),
        at(one, "GET", read),
        at(one, "POST", send),
        at(one, "DELETE", delete),
        at(f"{one}/decline", "PUT", decline),
        at(f"{one}/attribute", "GET", attribute),
        at(f"{one}/certificate", "GET", certificate),
        at(f"{one}/files", "POST", add_file),
        at(f"{one}/files/{{file_id}}", "GET", file),
        at(f"{one}/participants", "POST", add_participant),
    ]


def _authorize(tenant: Tenant, request: Request) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not given:
        raise VendorRefusal(400, "bad_request")
    until = tenant.tokens.get(given)
    if until is None or until <= tenant.options.clock():
        raise VendorRefusal(401, "unauthorized")
    if not tenant.options.web_api:
        raise VendorRefusal(403, "webapi_option_required")


def _known(tenant: Tenant, request: Request) -> Document:
    found = tenant.documents.get(request.path_params["document_id"])
    if found is None:
        raise VendorRefusal(404, "not_found")
    return found


def _a_draft(document: Document) -> None:
    if document["status"] != DRAFT:
        raise VendorRefusal(403, "not_acceptable")


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))


def _upload(body: bytes, content_type: str) -> tuple[str, bytes]:
    """Return name and content of the part called uploadfile."""
    read = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    parts = {part.get_param("name", header="content-disposition"): part for part in read.iter_parts()}
    if "uploadfile" not in parts:
        raise VendorRefusal(400, "bad_request")
    file, name = parts["uploadfile"], parts.get("name")
    content = file.get_payload(decode=True)
    assert isinstance(content, bytes)
    return (name.get_content().strip() if name is not None else file.get_filename() or ""), content


async def token(tenant: Tenant, request: Request) -> Response:
    form = await _form(request)
    if not form.get("client_id"):
        raise VendorRefusal(400, "invalid_request")
    if form["client_id"] != tenant.credentials()["client_id"]:
        raise VendorRefusal(400, "invalid_client")
    made = tenant.token()
    seconds = int((tenant.tokens[made] - tenant.options.clock()).total_seconds())
    return JSONResponse({"access_token": made, "expires_in": seconds, "token_type": "Bearer"})


async def me(tenant: Tenant, request: Request) -> Response:
    rights = dict.fromkeys(
        ("team_document_administrator", "document_approver", "private_document_administrator"), False
    )
    rights["team_administrator"] = tenant.options.administrator
    return JSONResponse({"id": tenant.new_id(), "email": "hr@hoshizora.example", "name": "人事部",
                         "organization": "星空商事株式会社", "team": {"id": "1", "name": "人事部"}, "authorities": rights})  # fmt: skip


async def documents(tenant: Tenant, request: Request) -> Response:
    wanted = int(request.query_params.get("status") or -1)
    if wanted not in {-1, 0, 1, 2, 3, 4}:
        raise VendorRefusal(400, "bad_request")
    return _listed(tenant, request, None if wanted == -1 else frozenset({wanted}), "y")


async def team_documents(tenant: Tenant, request: Request) -> Response:
    if not tenant.options.administrator:
        raise VendorRefusal(403, "forbidden")
    return _listed(tenant, request, frozenset({1, 2, 3, IMPORTED}), "n")


def _listed(tenant: Tenant, request: Request, statuses: frozenset[int] | None, default: str) -> Response:
    """Answer one page of the documents within from and to, both inclusive, the newest first."""
    query, order = request.query_params, tenant.order()
    since, until = _moment(query.get("from"), ""), _moment(query.get("to"), "9")
    within = order[bisect_left(order, (since, "")) : bisect_right(order, (until, "~"))]
    if statuses is not None:
        within = [(at, known) for at, known in within if tenant.documents[known]["status"] in statuses]
    page = int(query["page"]) if query.get("page", "").isdecimal() and int(query["page"]) > 0 else 1
    size = tenant.options.page_size
    last = len(within) - (page - 1) * size
    part = [tenant.documents[known] for _, known in reversed(within[max(last - size, 0) : max(last, 0)])]
    left_out = {name for name in ("files", "participants") if query.get(f"with_{name}", default) != "y"}
    shown: list[Document] | None = [{k: v for k, v in d.items() if k not in left_out} for d in part]
    if not shown and tenant.options.null_lists:
        shown = None
    return JSONResponse({"total": len(within), "page": page, "documents": shown})


def _moment(text: str | None, otherwise: str) -> str:
    """Return an instant in the documents' own form, so that instants compare as text."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise VendorRefusal(400, "bad_request") from None
    return (
        found.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        if found is not None
        else otherwise
    )


async def create(tenant: Tenant, request: Request) -> Response:
    form = await _form(request)
    made = tenant.draft(str(form.get("title", "")), str(form.get("note", "")), message=str(form.get("message", "")))
    return JSONResponse(made)


async def read(tenant: Tenant, request: Request) -> Response:
    return JSONResponse(_known(tenant, request))


async def send(tenant: Tenant, request: Request) -> Response:
    """Send a draft, or remind of a sent document: the request is the same."""
    document = _known(tenant, request)
    if document["status"] not in {DRAFT, SENT}:
        raise VendorRefusal(403, "not_acceptable")
    if len(document["participants"]) < 2 or not document["files"]:
        raise VendorRefusal(400, "bad_request")
    tenant.send(document)
    return JSONResponse(document)


async def decline(tenant: Tenant, request: Request) -> Response:
    """Take back a sent document, as its sender may until all have signed."""
    document = _known(tenant, request)
    if document["status"] != SENT:
        raise VendorRefusal(403, "not_acceptable")
    tenant.take_back(document["id"])
    return JSONResponse(document)


async def delete(tenant: Tenant, request: Request) -> Response:
    document = _known(tenant, request)
    if document["status"] != DRAFT:
        raise VendorRefusal(400, "bad_request")
    tenant.delete(document)
    return Response(status_code=204)


async def attribute(tenant: Tenant, request: Request) -> Response:
    found = tenant.attributes.get(_known(tenant, request)["id"])
    if found is None:
        raise VendorRefusal(404, "not_found")
    return JSONResponse(found)


async def certificate(tenant: Tenant, request: Request) -> Response:
    if _known(tenant, request)["status"] != 2:
        raise VendorRefusal(404, "not_found")
    return Response(b"%PDF-1.7\n%%EOF\n", media_type="application/pdf")


async def add_file(tenant: Tenant, request: Request) -> Response:
    document = _known(tenant, request)
    _a_draft(document)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise VendorRefusal(415, "unsupported_media_type")
    name, content = _upload(await request.body(), request.headers["content-type"])
    if not content.startswith(b"%PDF-") or not content.rstrip().endswith(b"%%EOF"):
        raise VendorRefusal(400, "bad_request")
    tenant.add_file(document, name, lambda: content)
    return JSONResponse(document)


async def file(tenant: Tenant, request: Request) -> Response:
    document, wanted = _known(tenant, request), request.path_params["file_id"]
    if wanted not in {held["id"] for held in document["files"]}:
        raise VendorRefusal(404, "not_found")
    return Response(tenant.files[wanted](), media_type="application/pdf")


async def add_participant(tenant: Tenant, request: Request) -> Response:
    document = _known(tenant, request)
    _a_draft(document)
    form = await _form(request)
    email, name = str(form.get("email", "")), str(form.get("name", ""))
    if "@" not in email or not name or email in {who["email"] for who in document["participants"]}:
        raise VendorRefusal(400, "bad_request")
    tenant.add_participant(document, email, name, str(form.get("language_code") or "ja"))
    return JSONResponse(document)
