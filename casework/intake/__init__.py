"""
HR's notices: read and checked, then opened as cases, corrected, moved, withdrawn.

Reading takes bytes and gives values, without database, network or clock, and raises nothing for what a file holds: each row
becomes a notice, or refusals that say what to correct.  Other rooms use the names below and nothing inside.
"""

from casework.commitment import employee_key
from casework.intake.columns import Column
from casework.intake.csv_file import read_csv
from casework.intake.dates import parse_day, parse_instant
from casework.intake.decoding import MOST_BYTES
from casework.intake.instants import cut_at, notice_late_minutes
from casework.intake.json_file import read_json
from casework.intake.kinds import KindRule
from casework.intake.moving import make_at_once, reschedule, withdraw
from casework.intake.notice import Note, Notice, Reading, Refusal, Same
from casework.intake.opening import Opened, decide_for_real, list_cases
from casework.intake.options import read_options
from casework.intake.submission import Intake, open_cases
from casework.intake.wording import Code, Flaw

__all__ = [
    "MOST_BYTES",
    "Code",
    "Column",
    "Flaw",
    "Intake",
    "KindRule",
    "Note",
    "Notice",
    "Opened",
    "Reading",
    "Refusal",
    "Same",
    "cut_at",
    "decide_for_real",
    "employee_key",
    "list_cases",
    "make_at_once",
    "notice_late_minutes",
    "open_cases",
    "parse_day",
    "parse_instant",
    "read_csv",
    "read_json",
    "read_options",
    "reschedule",
    "withdraw",
]
