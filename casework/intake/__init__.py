"""
HR's notices, read and checked.  Bytes in, values out: no database, no network, no clock.

Nothing here raises for what a file holds: each row becomes a notice, or refusals that say what to correct.
"""

from casework.intake.columns import Column
from casework.intake.csv_file import read_csv
from casework.intake.json_file import read_json
from casework.intake.notice import Notice, Reading, Refusal, Same
from casework.intake.options import read_options
from casework.intake.wording import Code

__all__ = ["Code", "Column", "Notice", "Reading", "Refusal", "Same", "read_csv", "read_json", "read_options"]
