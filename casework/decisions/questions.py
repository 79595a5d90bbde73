"""Questions, for those who ask, show and answer them."""

from casework.matching.answering import answer, take_back
from casework.questions import open_questions, settle_question

__all__ = ["answer", "open_questions", "settle_question", "take_back"]
