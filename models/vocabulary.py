"""
The words of the house: enums and frozen values, without I/O.

Every word stands in `docs/glossary.md`; a test holds the enums to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


ACCOUNT = "account"
"""The vendor id of a kind that an account holds once: its sign-in, its password, sessions that are not listed one by one."""


class Service(StrEnum):
    """A vendor in whose tenants a leaver may hold accounts."""

    GOOGLE_WORKSPACE = "google_workspace"
    SLACK = "slack"
    MICROSOFT365 = "microsoft365"


ConnectionId: TypeAlias = str
"""
Which tenant of which vendor, and the first part of every entitlement's id: the vendor's name for the only or first one, and
with a name of its own behind a dot for a further one, `slack.acquired`.
"""
CONNECTION = rf"(?:{'|'.join(Service)})(?:\.[a-z][a-z0-9]{{0,19}})?"
"""Every connection's id, as a regular expression."""


def checked_connection(text: str) -> ConnectionId:
    """Return *text* as a connection's id; raises `ValueError`, which says how they are written, if it is none."""
    if re.fullmatch(CONNECTION, text, re.ASCII) is None:
        vendors = ", ".join(Service)
        raise ValueError(f"{text!r} is no connection: one of {vendors}, or a further one as {Service.SLACK}.acquired")
    return str(text)


def vendor_of(connection: ConnectionId) -> Service:
    """Return the vendor of *connection*."""
    return Service(connection.partition(".")[0])


def as_fields(connection: ConnectionId) -> dict[str, str]:
    """Return *connection* as formats for others name it: `service` is the vendor, `connection` stands beside it for a further one."""
    service = vendor_of(connection)
    return {"service": service.value} | ({} if connection == service else {"connection": connection})


class EntitlementKind(StrEnum):
    """One thing that an account can do, or be reached by."""

    SIGN_IN = "sign_in"
    SESSION = "session"
    PASSWORD = "password"
    RECOVERY = "recovery"
    GRANT = "grant"
    APP_PASSWORD = "app_password"
    BACKUP_CODE = "backup_code"
    GROUP = "group"
    ROLE = "role"


class EntitlementState(StrEnum):
    """What is known of one entitlement.  Only a fresh read may say `observed_closed`."""

    FOUND = "found"
    COMMANDED = "commanded"
    OBSERVED_CLOSED = "observed_closed"
    STILL_OPEN = "still_open"
    UNREADABLE = "unreadable"
    NOT_ON_PLAN = "not_on_plan"
    NO_API = "no_api"
    ATTESTED = "attested"
    WAIVED = "waived"


SIGNED = frozenset({EntitlementState.ATTESTED, EntitlementState.WAIVED})
"""The states that rest on a person's signature."""
SETTLED = SIGNED | {EntitlementState.OBSERVED_CLOSED}
"""The only states in which a row lets its case close."""


class OpenReason(StrEnum):
    """Why an entitlement is open, or cannot be told to be closed.  A waiver names one of these, beside the kind."""

    NO_API = "no_api"
    NOT_ON_PLAN = "not_on_plan"
    UNREADABLE = "unreadable"
    DYNAMIC = "dynamic"
    INHERITED = "inherited"
    MASTERED_ELSEWHERE = "mastered_elsewhere"
    FROZEN_BY_BLOCK = "frozen_by_block"
    STILL_OPEN = "still_open"
    REFUSED = "refused"
    GUARDED = "guarded"


STANDING_REASONS = frozenset(
    {
        OpenReason.NO_API,
        OpenReason.NOT_ON_PLAN,
        OpenReason.UNREADABLE,
        OpenReason.DYNAMIC,
        OpenReason.INHERITED,
        OpenReason.MASTERED_ELSEWHERE,
        OpenReason.FROZEN_BY_BLOCK,
    }
)
"""The reasons that a waiver may accept for a whole tenant: what lies in the tenant's plan or make-up, not in one account."""


class Confirmation(StrEnum):
    """How a revocation is seen to have taken effect."""

    READ = "read"
    AUDIT_EVENT = "audit_event"
    IMPLIED_BY = "implied_by"


class Restores(StrEnum):
    """What can be given back after a wrong cut."""

    RESTORED = "restored"
    RE_ENROL = "re_enrol"
    NOT_RESTORABLE = "not_restorable"


class Restored(StrEnum):
    """What has become of one entitlement in a restore.  Empty until a restore has to say something of it."""

    PENDING = "pending"
    RESTORED = "restored"
    RE_ENROL = "re_enrol"
    NOT_RESTORABLE = "not_restorable"
    CLAIMED = "claimed"
    ASKED = "asked"
    CONFIRMED = "confirmed"
    NOT_OURS = "not_ours"
    PROBLEM = "problem"
    ATTESTED = "attested"


class Guard(StrEnum):
    """A property of an entitlement that stops, or qualifies, its revocation."""

    OWN_CREDENTIAL = "own_credential"
    LAST_ADMIN = "last_admin"
    PRIMARY_OWNER = "primary_owner"
    LAST_OWNER = "last_owner"
    PROTECTED = "protected"
    PRIVILEGED = "privileged"
    MASTERED_ELSEWHERE = "mastered_elsewhere"
    DYNAMIC = "dynamic"
    INHERITED = "inherited"


class RevocationResult(StrEnum):
    """What became of one request to a vendor.  None of these says that access is closed."""

    COMMANDED = "commanded"
    ALREADY_ABSENT = "already_absent"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


class AccountKind(StrEnum):
    """The sort of identity that an account is in its service."""

    MEMBER = "member"
    GUEST = "guest"
    ADMIN = "admin"
    BOT = "bot"


class MatchReason(StrEnum):
    """Why an account, or a paper, is thought to be the leaver's, the strongest reason found."""

    EMPLOYEE_NO = "employee_no"
    EMAIL = "email"
    ALIAS = "alias"
    OTHER_EMAIL = "other_email"
    ADMIN_TWIN = "admin_twin"
    NAME = "name"
    FORMER_NAME = "former_name"
    DIFFERENT_PERSON = "different_person"
    EVERYBODY = "everybody"


class Fact(StrEnum):
    """What may speak for an account's being the leaver's, or against it.  Two of these, and none against it, decide."""

    NUMBER = "number"
    ADDRESS = "address"
    NAME = "name"
    CONFIRMED_ELSEWHERE = "confirmed_elsewhere"


class Says(StrEnum):
    """What a comparison says.  Where there is nothing to compare it is silent, and no word is kept."""

    FACT = "fact"
    CONTRADICTION = "contradiction"
    NEITHER = "neither"


class Standing(StrEnum):
    """What was decided about a candidate account.  Only `accepted` ones are ever changed."""

    ACCEPTED = "accepted"
    ASKED = "asked"
    REJECTED = "rejected"
    LOOK_ALIKE = "look_alike"


class DepartureKind(StrEnum):
    """The notice's kind: why a person leaves, or that they do not."""

    RESIGNATION = "resignation"
    DISMISSAL = "dismissal"
    CONTRACT_END = "contract_end"
    SECONDMENT_END = "secondment_end"
    LEAVE = "leave"
    WITHDRAWN = "withdrawn"
    CONTINUED = "continued"


NOT_DEPARTURES = frozenset({DepartureKind.LEAVE, DepartureKind.WITHDRAWN, DepartureKind.CONTINUED})
"""Notices of their own: nobody leaves."""


class CaseState(StrEnum):
    """Where a case stands.  Findings do not change it."""

    OPEN = "open"
    PLANNED = "planned"
    WAITING = "waiting"
    CUTTING = "cutting"
    CONTAINED = "contained"
    DEPROVISIONED = "deprovisioned"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    RESTORING = "restoring"
    RESTORED = "restored"


class RunState(StrEnum):
    """What is known of the run that should work on a case."""

    NONE = "none"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class FindingKind(StrEnum):
    """A reason why the case may not close."""

    STILL_OPEN = "still_open"
    UNREADABLE = "unreadable"
    NOT_ON_PLAN = "not_on_plan"
    NO_API = "no_api"
    NOT_CONFIRMED = "not_confirmed"
    REFUSED = "refused"
    FAILED = "failed"
    GUARDED = "guarded"
    MASTERED_ELSEWHERE = "mastered_elsewhere"
    UNMATCHED = "unmatched"
    NO_ACCOUNT = "no_account"
    BLAST_RADIUS = "blast_radius"
    ACTIVITY_AFTER_CUT = "activity_after_cut"
    RE_ENTRY = "re_entry"
    NOT_GIVEN_BACK = "not_given_back"


class ClosingRequirement(StrEnum):
    """What stands in the way of closing a case."""

    QUESTION = "question"
    FINDING = "finding"
    NOT_CUT = "not_cut"
    NOT_READ = "not_read"
    NOT_OPEN = "not_open"
    INTENT = "intent"
    PAUSE = "pause"
    STATE = "state"


class QuestionKind(StrEnum):
    """What a person may be asked: `casework.questions` has the rules of each."""

    WHOSE_ACCOUNT = "whose_account"
    RELEASE = "release"
    WAIVE = "waive"
    RESTORE = "restore"
    RETURN = "return"
    TAKEN_BY_US = "taken_by_us"
    ERASE = "erase"
    RETIRE = "retire"
    TRADE_SECRET = "trade_secret"
    RESUME = "resume"


class Role(StrEnum):
    """Who is asked."""

    HR = "hr"
    IT = "it"
    SECURITY = "security"
    LEGAL = "legal"


class ActivityKind(StrEnum):
    """What an audit log's record tells.  The vendor's own word is kept beside it."""

    DOWNLOAD = "download"
    VIEW_AS_DOWNLOAD = "view_as_download"
    SYNC = "sync"
    COPY = "copy"
    PRINT = "print"
    TAKEOUT = "takeout"
    EXTERNAL_SHARE = "external_share"
    PUBLIC_LINK = "public_link"
    FORWARD = "forward"
    DELEGATE = "delegate"
    GRANT = "grant"
    APP_PASSWORD = "app_password"
    DEVICE = "device"
    TOKEN_USE = "token_use"
    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    ENABLED = "enabled"
    UPLOAD = "upload"
    VIEW = "view"
    OTHER = "other"


TAKES = frozenset(
    {
        ActivityKind.DOWNLOAD,
        ActivityKind.VIEW_AS_DOWNLOAD,
        ActivityKind.SYNC,
        ActivityKind.COPY,
        ActivityKind.PRINT,
        ActivityKind.TAKEOUT,
    }
)
"""The kinds by which content leaves the service with the person."""


class Opener(StrEnum):
    """What the vendor's own log tells of who let an account in again that had been seen closed."""

    NAMED = "opener_named"
    NOT_ASKED = "opener_not_asked"
    LATE = "opener_late"
    NOT_TOLD = "opener_not_told"
    NOT_ON_PLAN = "opener_not_on_plan"
    DENIED = "opener_denied"
    NOT_READ = "opener_not_read"


class Completeness(StrEnum):
    """What a collection from one source amounts to."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NOT_AVAILABLE = "not_available"


class PaperKind(StrEnum):
    """What a confidentiality paper is."""

    ENTRY_PLEDGE = "entry_pledge"
    EXIT_PLEDGE = "exit_pledge"
    WORK_RULES = "work_rules"
    PROJECT_NDA = "project_nda"


class NdaState(StrEnum):
    """What is known of one paper that should bind the leaver.  None of these delays a cut."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    REFUSED = "refused"
    MISSING = "missing"
    EXPIRED = "expired"
    ALTERED = "altered"
    UNREADABLE = "unreadable"


class PledgeState(StrEnum):
    """How far an exit pledge has come that was asked for."""

    INTENDED = "intended"
    SENT = "sent"
    FILED = "filed"
    RETURNED = "returned"
    DECLINED = "declined"
    REJECTED = "rejected"


class TradeSecretTest(StrEnum):
    """The three tests that make knowledge a trade secret (不正競争防止法, article 2, paragraph 6)."""

    SECRECY_MANAGEMENT = "secrecy_management"
    USEFULNESS = "usefulness"
    NON_PUBLIC = "non_public"


@dataclass(frozen=True, slots=True)
class Leaver:
    """
    The person, as HR's notice names them.

    *email* is the company address, *other_emails* any further address HR knows (private ones included).
    Names are as written by HR; comparing them is `connectors.matching`'s work.
    """

    employee_no: str
    name: str
    email: str | None = None
    other_emails: tuple[str, ...] = ()
    kana: str | None = None
    romaji: str | None = None
    former_name: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """
    One identity in one service, by the vendor's immutable *id*.

    *label* is for people (an address, a name): it stays in our database and never reaches Prefect.
    *active* is None where the vendor does not say.
    """

    connection: ConnectionId
    id: str
    kind: AccountKind = AccountKind.MEMBER
    label: str = ""
    active: bool | None = None
    mastered_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """
    An account that may be the leaver's: *reason* makes it a candidate, *says* is what was compared, and with which end.

    *primary* are the addresses that it signs in or is reached by first, *others* all further ones, both folded.
    *for_administration*: it is used for administration, whatever the vendor calls it.
    """

    account: Account
    reason: MatchReason
    says: Mapping[Fact, Says]
    primary: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    for_administration: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One recorded exchange with a vendor.

    *what* is method and path with immutable ids (no query values, no body), *status* None when no answer came,
    the digests SHA-256 in hexadecimal over the bytes sent and received, *vendor_at* the vendor's own clock (its
    Date header), one second coarse.
    """

    what: str
    sent_at: datetime
    received_at: datetime
    status: int | None
    code: str | None = None
    request_sha256: str | None = None
    response_sha256: str | None = None
    vendor_at: datetime | None = None

    def commanded_on_vendor_clock(self) -> datetime:
        """
        Return the earliest instant, on the vendor's clock, at which the vendor can have acted on the request.

        Two seconds cover the header's coarseness on both ends.  Without a Date header it is our own clock's *sent_at*.
        """
        if self.vendor_at is None:
            return self.sent_at
        return self.vendor_at - (self.received_at - self.sent_at) - timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """
    One row of an account's access, as a listing saw it.

    The listing gives `found`, or says why it could not look: `unreadable`, `not_on_plan`, `no_api` (then *vendor_id* is
    "*", *problem* and *remedy* are sentences for people, and the row stands for the whole kind).

    *ended_at*: for kinds that cannot be listed but carry a stamp (sessions, passwords), the vendor's time of the last
    ending: such a row is closed when that time is not before the command, see `Evidence.commanded_on_vendor_clock`.
    *by_hand*: it is open, and this plan has no way for us to take it away: a person does, and the next read shows it.
    *administrators*: of the sign-in of one who rules over the tenant: all who do and can sign in, as this listing saw them.
    *prestate* is what a restore needs, never a secret.  *label* is for people only.
    """

    connection: ConnectionId
    account_id: str
    kind: EntitlementKind
    vendor_id: str
    state: EntitlementState = EntitlementState.FOUND
    label: str = ""
    ended_at: datetime | None = None
    guard: Guard | None = None
    problem: str | None = None
    remedy: str | None = None
    by_hand: bool = False
    administrators: frozenset[str] = frozenset()
    prestate: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def id(self) -> str:
        """The idempotency key everywhere: `connection:account_id:kind:vendor_id`."""
        return f"{self.connection}:{self.account_id}:{self.kind}:{self.vendor_id}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    Outcome and evidence of one revocation, or of one restore.

    Raises `ValueError` without evidence: an outcome that nobody saw is not one.
    """

    entitlement_id: str
    result: RevocationResult
    evidence: tuple[Evidence, ...]
    text: str = ""

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"{self.entitlement_id}: a receipt needs evidence")
