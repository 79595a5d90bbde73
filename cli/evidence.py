"""`lastday evidence`: what was taken, by the services' own logs: how complete that is, why it is unusual, who may come back."""

from __future__ import annotations

from cli.contexts import in_context
from cli.errors import DONE, REMAINS
from cli.options import CaseId
from cli.terminal import Terminal


def evidence(terminal: Terminal, case: CaseId) -> int:
    """Show what was collected, with folders and targets.  Each look is recorded.  Exits with 1 unless all is complete and summarised."""
    from casework.view.reading.case import look
    from cli.tables import section_page
    from portal.document import Clock
    from portal.sections.downloads import downloads

    view = in_context(look, case, by=terminal.actor)
    shown = view.downloads
    payload = {"case": case, "downloads": shown.model_dump(mode="json")}
    section = downloads(view, Clock(view.departure.timezone), erased=view.erased_at is not None)
    terminal.answer(payload, *section_page(section))
    return DONE if shown.state == "collected" and shown.verdict is not None else REMAINS
