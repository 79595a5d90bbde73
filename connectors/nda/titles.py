"""What a paper is by its title, where a register keeps contracts of every sort and names no kind."""

from __future__ import annotations

import re
import unicodedata

from models.vocabulary import PaperKind

_PLEDGE = re.compile(r"誓約|秘密保持|機密保持|守秘|pledge|confidential|non-?disclosure|\bnda\b")
_ENTRY = re.compile(r"入社|採用時|\bentry\b|\bjoining\b|\bonboarding\b|\bnew hire\b")
_EXIT = re.compile(r"退職(?!後)|退社(?!後)|離職|\bexit\b|\bseparation\b|\bleaving\b|\boffboarding\b")
_CONTRACT = re.compile(r"契約|プロジェクト|agreement|\bproject\b|\bnda\b|non-?disclosure")
_RULES = re.compile(r"就業規則|work rules|rules of employment")


def kind_of(title: str) -> PaperKind | None:
    """
    Return the kind that *title* names, None if it names none or more than one.

    A notice of resignation (退職届) or an employment contract is no confidentiality paper: a pledge says what it is.
    """
    text = unicodedata.normalize("NFKC", title).casefold()
    if _RULES.search(text):
        return PaperKind.WORK_RULES
    if not _PLEDGE.search(text):
        return None
    entry, leaving = bool(_ENTRY.search(text)), bool(_EXIT.search(text))
    if entry or leaving:
        return None if entry and leaving else (PaperKind.ENTRY_PLEDGE if entry else PaperKind.EXIT_PLEDGE)
    return PaperKind.PROJECT_NDA if _CONTRACT.search(text) else None
