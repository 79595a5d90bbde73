"""One call of the Web API, and what the methods share: refusals, pages, the JSON of a member."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from emulators.slack.state import ENTERPRISE_ID, Member, Token

if TYPE_CHECKING:
    from emulators.slack.tenant import Tenant

T = TypeVar("T")
_ABSENT_ONCE_DEACTIVATED = (
    "real_name", "color", "tz", "tz_label", "tz_offset", "is_admin", "is_owner", "is_primary_owner", "is_restricted",
    "is_ultra_restricted", "has_2fa",
)  # fmt: skip


class VendorRefusal(Exception):
    """`ok: false` with the vendor's *code*, and what else the body says."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted request: who asks, and for what."""

    tenant: Tenant
    token: Token
    args: dict[str, str]

    @property
    def actor(self) -> Member | None:
        """The person whom the token acts for; None for a bot."""
        return self.tenant.members.get(self.token.owner_id)

    def member(self, argument: str, code: str = "user_not_found") -> Member:
        """Return the member whose id is the argument's value."""
        found = self.tenant.members.get(self.args[argument])
        if found is None:
            raise VendorRefusal(code)
        return found

    def team_id(self) -> str:
        """Return the workspace concerned: an organisation's token has to name it."""
        if not self.token.org:
            return next(iter(self.tenant.workspaces))
        if "team_id" not in self.args:
            raise VendorRefusal(
                "missing_argument", response_metadata={"messages": ["[ERROR] missing argument: team_id"]}
            )
        if self.args["team_id"] not in self.tenant.workspaces:
            raise VendorRefusal("team_not_found")
        return self.args["team_id"]

    def page(self, items: Sequence[T], *, default: int, most: int) -> tuple[list[T], dict[str, Any]]:
        """Return one page and the `response_metadata` that leads to the next: an empty cursor is the end."""
        try:
            start = int(base64.b64decode(self.args.get("cursor") or "MA==", validate=True))
            limit = int(self.args.get("limit") or default)
        except (ValueError, binascii.Error) as error:
            raise VendorRefusal("invalid_cursor") from error
        if not 1 <= limit <= most:
            raise VendorRefusal("invalid_arguments")
        end = start + min(limit, self.tenant.options.page_size or limit)
        cursor = base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
        return list(items[start:end]), {"response_metadata": {"next_cursor": cursor}}

    def counted(self, key: str, items: Sequence[Any]) -> dict[str, Any]:
        """Return one page of those that are counted from 1: at most 1,000 items each, and a hundred of them."""
        number, count = int(self.args.get("page") or 1), int(self.args.get("count") or 100)
        if not 1 <= count <= 1000 or not 1 <= number <= 100:
            raise VendorRefusal("over_pagination_limit")
        count = min(count, self.tenant.options.page_size or count)
        pages = max(-(-len(items) // count), 1)
        listed = list(items[(number - 1) * count : number * count])
        return {key: listed, "paging": {"count": count, "total": len(items), "page": number, "pages": pages}}

    def face(self, member: Member, *, active: bool) -> dict[str, Any]:
        """Return *member* as users.info and users.list show it to this caller."""
        shown = _face(member, self.tenant.workspaces)
        if self.tenant.enterprise and not member.is_stranger:
            shown["enterprise_user"] = {"id": member.id, "enterprise_id": ENTERPRISE_ID, "teams": list(member.teams)}
        if self.actor is not None and self.actor.rank > 0:
            shown["has_2fa"] = True
        if "users:read.email" not in self.token.scopes:
            shown["profile"].pop("email", None)
        if not active:
            shown["deleted"] = True
            shown = {k: v for k, v in shown.items() if k not in _ABSENT_ONCE_DEACTIVATED}
            if not self.tenant.options.teams_after_block:
                shown.pop("enterprise_user", None)
        return shown


def _face(member: Member, workspaces: dict[str, str]) -> dict[str, Any]:
    profile = {
        "real_name": member.real_name,
        "real_name_normalized": member.real_name,
        "display_name": member.display_name,
        "display_name_normalized": member.display_name,
        "title": "",
        "team": next(iter(workspaces)),
    }
    if member.email is not None:
        profile["email"] = member.email
    if member.is_restricted:
        profile["guest_invited_by"] = "U0INVITER01"
    return {
        "id": member.id,
        "team_id": "T0STRANGER1" if member.is_stranger else member.teams[0],
        "name": member.mailbox[:21],
        "deleted": False,
        "color": "9f69e7",
        "real_name": member.real_name,
        "tz": "Asia/Tokyo",
        "tz_label": "Japan Standard Time",
        "tz_offset": 32400,
        "profile": profile,
        "is_admin": member.is_admin,
        "is_owner": member.is_owner,
        "is_primary_owner": member.is_primary_owner,
        "is_restricted": member.is_restricted,
        "is_ultra_restricted": False,
        "is_bot": member.is_bot,
        "is_app_user": False,
        "is_stranger": member.is_stranger,
        "is_email_confirmed": True,
        "updated": 1700000000,
    }
