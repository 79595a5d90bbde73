"""The tables, one noun a file.  `metadata` is what migrations compare against."""

from sqlmodel import SQLModel

from models.tables.account import CaseAccount, Search
from models.tables.case import Case
from models.tables.decision import Approval, Attestation, Waiver
from models.tables.entitlement import CaseEntitlement
from models.tables.finding import Finding, Question
from models.tables.notice import NoticeRecord
from models.tables.plan import Look, Plan

metadata = SQLModel.metadata

__all__ = [
    "Approval",
    "Attestation",
    "Case",
    "CaseAccount",
    "CaseEntitlement",
    "Finding",
    "Look",
    "NoticeRecord",
    "Plan",
    "Question",
    "Search",
    "Waiver",
    "metadata",
]
