"""Activity in the services' logs, and confidentiality papers in the registers."""

from __future__ import annotations

from enum import StrEnum


class ActivityKind(StrEnum):
    """The kind of activity in an audit log's record.  The vendor's own word is stored beside it."""

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
    SIGN_OUT = "sign_out"
    ENABLED = "enabled"
    UPLOAD = "upload"
    VIEW = "view"
    EDIT = "edit"
    SEND = "send"
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
"""The kinds of activity by which content may leave the service with the person."""


class Opener(StrEnum):
    """What the vendor's own log says about who opened an account again that was seen closed."""

    NAMED = "opener_named"
    NOT_ASKED = "opener_not_asked"
    LATE = "opener_late"
    NOT_TOLD = "opener_not_told"
    NOT_ON_PLAN = "opener_not_on_plan"
    DENIED = "opener_denied"
    NOT_READ = "opener_not_read"


class Completeness(StrEnum):
    """How complete a collection from one source is."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    NOT_AVAILABLE = "not_available"


class PaperKind(StrEnum):
    """The kind of a confidentiality paper."""

    ENTRY_PLEDGE = "entry_pledge"
    EXIT_PLEDGE = "exit_pledge"
    WORK_RULES = "work_rules"
    PROJECT_NDA = "project_nda"


class NdaState(StrEnum):
    """The state of one paper that should bind the leaver.  No state delays a cut."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    REFUSED = "refused"
    MISSING = "missing"
    EXPIRED = "expired"
    ALTERED = "altered"
    UNREADABLE = "unreadable"


class PledgeState(StrEnum):
    """The state of an exit pledge that was asked for."""

    INTENDED = "intended"
    SENT = "sent"
    FILED = "filed"
    RETURNED = "returned"
    DECLINED = "declined"
    REJECTED = "rejected"
    VOIDED = "voided"


class TradeSecretTest(StrEnum):
    """The three tests that make knowledge a trade secret (不正競争防止法, article 2, paragraph 6)."""

    SECRECY_MANAGEMENT = "secrecy_management"
    USEFULNESS = "usefulness"
    NON_PUBLIC = "non_public"
