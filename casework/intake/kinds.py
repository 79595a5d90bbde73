"""
Where a source says which kind of notice its rows are: in a column that we know, in one that policy names, or in a word of the
command's for all of them.  Nowhere else: a file that does not say it stops, since a leave of absence taken for a
resignation cuts somebody who stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from casework.intake.cells import is_kind
from casework.intake.columns import fold_header
from casework.intake.notice import shown
from casework.intake.wording import Code, Flaw

_LIKELY = re.compile(r"区分|種別|事由|理由|kind|type|reason")


@dataclass(frozen=True, slots=True)
class KindRule:
    """
    *column* is the name of the source's own column, from policy.  *whole* is the kind of every row, as it was typed, for a
    source without such a column; *implied* says that the verb itself means it, which contradicts no column.
    """

    column: str = ""
    whole: str | None = None
    implied: bool = False

    def names(self, header: str) -> bool:
        """Whether *header* is the column that policy names."""
        return self.column != "" and fold_header(header) == fold_header(self.column)

    def settle(self, headers: Iterable[str], unknown: Mapping[str, Iterable[str]], *, has_column: bool) -> str | None:
        """
        Return the kind of every row, or None where a column says it; raises `Flaw` where nothing does.

        *headers* are all of the source's; *unknown* holds the cells of those that we do not know.  One of them that holds a
        kind of ours stops the source, unless policy has said which column counts.
        """
        if any(self.names(header) for header in headers):
            return None
        for name, cells in unknown.items():
            if any(is_kind(cell) for cell in set(cells)):
                raise Flaw(Code.KIND_ELSEWHERE, column=name, name=shown(name))
        if has_column and self.whole is not None and not self.implied:
            raise Flaw(Code.KIND_TWICE, column="kind")
        if has_column:
            return None
        if self.whole is None:
            likely = next((name for name in unknown if _LIKELY.search(fold_header(name).casefold())), None)
            raise Flaw(Code.NO_KIND, column=likely or "kind", name=shown(likely or "異動区分"))
        return self.whole
