"""
The kind of notice of a source's rows: from a column that we know, from one that policy names, or from the command's option
for all rows.  There is no default, and a file without a kind is refused: a leave of absence taken for a
resignation would cut somebody who stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from casework.intake.columns import BY_NAME, Column, fold, is_kind
from casework.intake.notice import Flaw, shown
from casework.intake.rows import LIKELY_NAME, Sheet

_LIKELY = re.compile(r"区分|種別|事由|理由|kind|type|reason")
_OF_EMPLOYMENT = re.compile(r"(雇用|社員|従業員|職員|employment|employee)(区分|種別|type|kind)")
"""Headers of the type of employment, such as regular staff or contract: they hold no kind of notice."""


@dataclass(frozen=True, slots=True)
class KindRule:
    """
    *column*: the name of the source's own column, from policy.  *whole*: the kind of every row, as it was typed, for a
    source without such a column.  *implied*: the verb itself implies *whole*, which contradicts no column.
    """

    column: str = ""
    whole: str | None = None
    implied: bool = False

    def names(self, header: str) -> bool:
        """Whether *header* is the column that policy names."""
        return self.column != "" and fold(header) == fold(self.column)

    def columns(self, headers: Collection[str], known: Callable[[str], Column | None]) -> dict[str, Column]:
        """Return the column of each known one of *headers*; if policy names the column of the kind, no other is it."""
        named = dict.fromkeys(filter(self.names, headers), Column.KIND)
        found = {header: column for header in headers if (column := known(header)) is not None}
        return {header: column for header, column in found.items() if not (named and column is Column.KIND)} | named

    def settle(self, table: Sheet) -> Sheet:
        """
        Return *table* with a kind in every row; raises `Flaw` if no kind is given.

        Also raises it for an unknown column that holds a kind, unless policy names the column; and, if the kind was typed for all
        rows, for a filled column that by its name may hold kinds.
        """
        if self.names(table.headers.get(Column.KIND, "")):
            return table
        for name, cell in dict.fromkeys(one for row in table.rows for one in row.extra.items()):
            if is_kind(cell.strip()):
                raise Flaw("kind_elsewhere", column=shown(name), name=shown(name))
        says = Column.KIND in table.headers or any(Column.KIND in row.cells for row in table.rows)
        if says and self.whole is not None and not self.implied:
            raise Flaw("kind_twice", column="kind")
        if says or all(row.refused and not row.cells and not row.extra for row in table.rows):
            return table
        likely = [name for name in table.unknown if _may_say_kinds(name)]
        if self.whole is None:
            raise Flaw("no_kind", column=next(iter(likely), "kind"), name=next(iter(likely), LIKELY_NAME))
        filled = [name for name in likely if any(row.extra.get(name, "").strip() for row in table.rows)]
        if filled and not self.implied:
            raise Flaw("kind_elsewhere", column=filled[0], name=filled[0])
        whole = {Column.KIND: self.whole}
        return replace(table, rows=[replace(row, cells={**row.cells, **whole}) for row in table.rows])


def _may_say_kinds(name: str) -> bool:
    """Whether the unknown column *name* may hold kinds.  The key `kind` beside a list of notices is not a column of the notices."""
    folded = fold(name)
    return name not in BY_NAME and bool(_LIKELY.search(folded)) and not _OF_EMPLOYMENT.fullmatch(folded)
