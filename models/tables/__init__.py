"""The tables; those that change together share a file.  Migrations compare against `metadata`."""

from sqlmodel import SQLModel

from models.tables.account import AccountLink, CaseAccount, DirectoryNumbers, Search
from models.tables.call_budget import CallBudget
from models.tables.case import Case, Look, NoticeRecord, Plan
from models.tables.decision import Attestation, Finding, Pause, Question, Waiver
from models.tables.entitlement import CaseEntitlement, Comeback, KindRead
from models.tables.evidence import Collection, EvidenceFile, EvidenceKey, PostCutActivity
from models.tables.heartbeat import Heartbeat
from models.tables.paper import CasePaper, PaperCheck, PaperRuling, Pledge, PledgeRefusal

metadata = SQLModel.metadata
