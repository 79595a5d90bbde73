"""The argument of every method of the emulated APIs, and their paging."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from emulators.google_workspace.errors import forbidden, invalid, not_found
from emulators.google_workspace.state import CUSTOMER, Group, User

if TYPE_CHECKING:
    from emulators.google_workspace.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the description and the token allow.  *actor* is the impersonated administrator."""

    tenant: Tenant
    actor: User
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any

    def user(self) -> User:
        """Return the account that the path's userKey names: by id, address or alias."""
        return find_user(self.tenant, self.path["userKey"])

    def changeable_user(self) -> User:
        """Return the account to be changed.  Only a super admin may touch another administrator."""
        user = self.user()
        if (user.is_admin or user.is_delegated_admin) and not self.actor.is_admin:
            raise forbidden()
        return user

    def group(self) -> Group:
        key = self.path["groupKey"]
        found = next((g for g in self.tenant.groups.values() if key in {g.id, g.email}), None)
        if found is None:
            raise not_found("groupKey")
        return found

    def check_customer(self, key: str) -> None:
        if key not in {CUSTOMER, "my_customer"}:
            raise not_found("customer")

    def only_super(self) -> None:
        if not self.actor.is_admin:
            raise forbidden()


Method: TypeAlias = "Callable[[Call], dict[str, Any] | None]"


def find_user(tenant: Tenant, key: str) -> User:
    folded = key.casefold()
    for user in tenant.users.values():
        if key == user.id or folded == user.email.casefold() or folded in {a.casefold() for a in user.aliases}:
            return user
    raise not_found("userKey")


def page(call: Call, rows: Sequence[Any], key: str, *, default: int) -> dict[str, Any]:
    """Return one page of *rows*.  An empty collection comes without its key, as Google sends it."""
    asked = int(call.query.get("maxResults", default))
    size = min(asked, call.tenant.options.page_size or asked)
    start = _offset(call.query.get("pageToken"), len(rows))
    part = list(rows[start : start + size])
    answer: dict[str, Any] = {key: part} if part else {}
    if start + size < len(rows):
        answer["nextPageToken"] = base64.urlsafe_b64encode(f"after {start + size}".encode()).decode()
    return answer


def _offset(token: str | None, length: int) -> int:
    if token is None:
        return 0
    try:
        word, number = base64.urlsafe_b64decode(token).decode().split(" ")
        offset = int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError) as exc:
        raise invalid("pageToken") from exc
    if word != "after" or not 0 <= offset <= length:
        raise invalid("pageToken")
    return offset
