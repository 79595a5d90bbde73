"""The tables, one noun a file.  `metadata` is what migrations compare against."""

from sqlmodel import SQLModel

from models.tables.account import AccountLink, CaseAccount, DirectoryNumbers, Search
from models.tables.case import Case
from models.tables.collection import Collection, PostCutActivity
from models.tables.decision import Attestation, Pause, Waiver
from models.tables.entitlement import CaseEntitlement, Comeback, KindRead
from models.tables.evidence import EvidenceFile, EvidenceKey
from models.tables.finding import Finding, Question
from models.tables.heartbeat import Heartbeat
from models.tables.notice import NoticeRecord
from models.tables.paper import CasePaper, PaperCheck, PaperRuling, Pledge, PledgeRefusal
from models.tables.plan import Look, Plan

metadata = SQLModel.metadata
