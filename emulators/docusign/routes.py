"""The routes of DocuSign's token endpoint and eSignature API 2.1 that a register of papers needs."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from emulators.docusign.tenant import Envelope, Tenant

Answer = Callable[["Tenant", Request], Awaitable[Response]]
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SHOWN_ON_DEMAND = {"recipients": "recipients", "custom_fields": "customFields"}


class VendorRefusal(Exception):
    """The vendor's errorDetails, or with *field* the authority's error."""

    def __init__(self, status: int, code: str, field: str = "errorCode") -> None:
        super().__init__(code)
        self.status = status
        self.body = {field: code, "message" if field == "errorCode" else "error_description": "refused"}


def routes(tenant: Tenant) -> list[Route]:
    """Return the paths of authority and API."""

    def at(path: str, method: str, answer: Answer, *, secured: bool = True) -> Route:
        @functools.wraps(answer)
        async def endpoint(request: Request) -> Response:
            try:
                if secured:
                    _authorize(tenant, request)
                return await answer(tenant, request)
            except VendorRefusal as refusal:
                return JSONResponse(refusal.body, refusal.status)

        return Route(path, endpoint, methods=[method])

    root = "/restapi/v2.1/accounts/{account_id}/envelopes"
    return [
        at("/oauth/token", "POST", token, secured=False),
        at("/oauth/userinfo", "GET", whose_token),
        at(root, "GET", listing),
        at(root, "POST", create),
        at(f"{root}/{{envelope_id}}", "GET", read),
        at(f"{root}/{{envelope_id}}", "PUT", update),
        at(f"{root}/{{envelope_id}}/recipients", "GET", recipients),
        at(f"{root}/{{envelope_id}}/documents/{{document_id}}", "GET", document),
    ]


def _authorize(tenant: Tenant, request: Request) -> None:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind != "Bearer" or given not in tenant.tokens:
        raise VendorRefusal(401, "AUTHORIZATION_INVALID_TOKEN")
    if request.path_params.get("account_id", tenant.account_id) != tenant.account_id:
        raise VendorRefusal(401, "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT")


async def token(tenant: Tenant, request: Request) -> Response:
    """The JWT grant: the assertion must be from our integration, for this audience, not expired, and for both scopes."""
    form = dict(parse_qsl((await request.body()).decode()))
    if form.get("grant_type") != _GRANT:
        raise VendorRefusal(400, "unsupported_grant_type", "error")
    host = request.headers["host"]
    try:
        claim = jwt.decode(form.get("assertion", ""), tenant.key.public_key(), algorithms=["RS256"], audience=host)
    except jwt.PyJWTError:
        raise VendorRefusal(400, "invalid_grant", "error") from None
    if claim.get("iss") != tenant.integration_key:
        raise VendorRefusal(400, "issuer_not_found", "error")
    if claim.get("sub") != tenant.user_id:
        raise VendorRefusal(400, "user_not_found", "error")
    if not tenant.options.consent or set(claim.get("scope", "").split()) != {"signature", "impersonation"}:
        raise VendorRefusal(400, "consent_required", "error")
    made = f"ds-token-{next(tenant.numbers):06d}"
    tenant.tokens.add(made)
    return JSONResponse({"access_token": made, "token_type": "Bearer", "expires_in": 3600, "scope": claim["scope"]})


async def whose_token(tenant: Tenant, request: Request) -> Response:
    base = f"{request.url.scheme}://{request.headers['host']}"
    account = {"account_id": tenant.account_id, "is_default": True, "account_name": "星空商事", "base_uri": base}
    return JSONResponse(
        {"sub": tenant.user_id, "name": "人事部", "email": "hr@hoshizora.example", "accounts": [account]}
    )


async def listing(tenant: Tenant, request: Request) -> Response:
    query = dict(request.query_params)
    if "transaction_ids" in query:
        return JSONResponse(_by_transaction(tenant, query["transaction_ids"].split(",")))
    if "from_date" not in query and "envelope_ids" not in query:
        raise VendorRefusal(400, "INVALID_REQUEST_PARAMETER")
    found = [e for e in tenant.envelopes.values() if _wanted(tenant, e, query)]
    found.sort(key=lambda e: (str(e["lastModifiedDateTime"]), e["envelopeId"]), reverse=True)
    return JSONResponse(_page(tenant, request, found))


def _by_transaction(tenant: Tenant, wanted: list[str]) -> dict[str, Any]:
    found = [e for e in tenant.envelopes.values() if e.get("transactionId") in wanted]
    statuses = [
        {"envelopeId": e["envelopeId"], "status": e["status"], "transactionId": e["transactionId"]} for e in found
    ]
    return {"resultSetSize": str(len(found)), "totalSetSize": str(len(found)), "envelopeTransactionStatuses": statuses}


def _wanted(tenant: Tenant, envelope: Envelope, query: dict[str, str]) -> bool:
    if "envelope_ids" in query:
        return envelope["envelopeId"] in query["envelope_ids"].split(",")
    if datetime.fromisoformat(str(envelope["statusChangedDateTime"])) < _moment(query["from_date"]):
        return False
    field, _, value = query.get("custom_field", "").partition("=")
    term = query.get("search_text", "").casefold()
    if not field and not term:
        return True
    if tenant.hidden.get(envelope["envelopeId"], 0) > 0:
        tenant.hidden[envelope["envelopeId"]] -= 1
        return False
    held = envelope["customFields"]["textCustomFields"]
    if field and not any(f["name"] == field and f["value"] == value for f in held):
        return False
    people = [text for s in envelope["recipients"]["signers"] for text in (s["name"], s["email"])]
    return any(term in text.casefold() for text in [envelope["emailSubject"], *people])


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise VendorRefusal(400, "INVALID_REQUEST_PARAMETER") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _page(tenant: Tenant, request: Request, found: list[Envelope]) -> dict[str, Any]:
    query = dict(request.query_params)
    start = int(query.get("start_position", "0"))
    size = min(int(query.get("count", "1000")), tenant.options.page_size)
    part = found[start : start + size]
    shown = query.get("include", "").split(",")
    hidden = {key for name, key in _SHOWN_ON_DEMAND.items() if name not in shown}
    answer: dict[str, Any] = {
        "resultSetSize": str(len(part)), "totalSetSize": str(len(found)), "startPosition": str(start),
        "endPosition": str(start + len(part) - 1), "envelopeSearchSource": "searchDb",
    }  # fmt: skip
    if part:
        answer["envelopes"] = [{k: v for k, v in e.items() if k not in hidden} for e in part]
    if start + size < len(found):
        following = urlencode(query | {"start_position": str(start + size)})
        answer["nextUri"] = f"/accounts/{tenant.account_id}/envelopes?{following}"
    return answer


def _known(tenant: Tenant, request: Request) -> Envelope:
    wanted = request.path_params["envelope_id"]
    try:
        UUID(wanted)
    except ValueError:
        raise VendorRefusal(400, "INVALID_REQUEST_PARAMETER") from None
    if wanted not in tenant.envelopes:
        raise VendorRefusal(404, "ENVELOPE_DOES_NOT_EXIST")
    return tenant.envelopes[wanted]


async def read(tenant: Tenant, request: Request) -> Response:
    shown = request.query_params.get("include", "").split(",")
    hidden = {key for name, key in _SHOWN_ON_DEMAND.items() if name not in shown}
    return JSONResponse({k: v for k, v in _known(tenant, request).items() if k not in hidden})


async def recipients(tenant: Tenant, request: Request) -> Response:
    return JSONResponse(_known(tenant, request)["recipients"])


async def create(tenant: Tenant, request: Request) -> Response:
    definition = json.loads(await request.body())
    signers = definition.get("recipients", {}).get("signers", [])
    documents = definition.get("documents", [])
    if not definition.get("emailSubject") or not documents or not signers:
        raise VendorRefusal(400, "ENVELOPE_IS_INCOMPLETE")
    if definition.get("status") != "sent":
        raise VendorRefusal(400, "INVALID_REQUEST_BODY")

    content = base64.b64decode(documents[0]["documentBase64"])
    fields = {f["name"]: f["value"] for f in definition.get("customFields", {}).get("textCustomFields", [])}
    made = tenant.create(
        definition["emailSubject"],
        [(s["email"], s["name"]) for s in signers],
        lambda: content,
        fields=fields,
        transaction_id=definition.get("transactionId"),
    )
    tenant.hidden[made["envelopeId"]] = tenant.options.text_lag
    tenant.mail(made)
    summary = {
        "envelopeId": made["envelopeId"],
        "status": "sent",
        "statusDateTime": made["sentDateTime"],
        "uri": made["envelopeUri"],
    }
    return JSONResponse(summary, 201)


async def update(tenant: Tenant, request: Request) -> Response:
    """Send the envelope again, or void it: neither once it is finished, and voiding needs a reason."""
    envelope = _known(tenant, request)
    wanted = json.loads(await request.body() or b"{}")
    if wanted.get("status") == "voided":
        if envelope["status"] not in {"sent", "delivered"}:
            raise VendorRefusal(400, "ENVELOPE_CANNOT_VOID_INVALID_STATE")
        if not wanted.get("voidedReason"):
            raise VendorRefusal(400, "INVALID_REQUEST_PARAMETER")
        tenant.take_back(envelope["envelopeId"], wanted["voidedReason"])
    if request.query_params.get("resend_envelope") == "true":
        if envelope["status"] not in {"sent", "delivered"}:
            raise VendorRefusal(400, "ENVELOPE_INVALID_STATUS")
        tenant.mail(envelope)
    return JSONResponse({"envelopeId": envelope["envelopeId"]})


async def document(tenant: Tenant, request: Request) -> Response:
    if request.path_params["document_id"] not in {"combined", "1"}:
        raise VendorRefusal(404, "DOCUMENT_DOES_NOT_EXIST")
    return Response(tenant.download(_known(tenant, request)["envelopeId"]), media_type="application/pdf")
