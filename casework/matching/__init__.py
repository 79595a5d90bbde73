"""
Whose accounts are these?  Candidates of all services, what speaks for and against each, and what a person says.

Connectors compare; `deciding` decides; `judging` keeps what came of it; `asking` and `answering` are for the person.
"""

from casework.matching.answering import answer, take_back
from casework.matching.judging import judge, void
from casework.matching.leavers import leaver_of
from casework.matching.searching import find_everywhere, find_in

__all__ = ["answer", "find_everywhere", "find_in", "judge", "leaver_of", "take_back", "void"]
