"""`lastday return`: a person is back from leave (復職)."""

from __future__ import annotations

from cli.contexts import in_connected_context, in_context
from cli.options import CaseId
from cli.restore import answer_restored, give_back
from cli.terminal import Terminal


def come_back(terminal: Terminal, case: CaseId) -> int:
    """
    Give access back after a leave of absence, and read that it is back.  Needs no second person.

    If a service could not be reached, `lastday restore CASE --go` tries again.
    """
    from casework.access import restore as restoring

    in_context(lambda context: restoring.request_return(context, case, by=terminal.who))
    return answer_restored(terminal, in_connected_context(lambda context: give_back(context, case)))
