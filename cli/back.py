"""`lastday return`: a person is back from leave (復職)."""

from __future__ import annotations

from cli.options import As, AsJson, CaseId
from cli.restore import answer_restored, give_back
from cli.terminal import Terminal


def come_back(case: CaseId, as_json: AsJson = False, actor: As = None) -> int:
    """
    Give access back after a leave of absence, and read that it is back.  Needs no second person.

    If a service could not be reached, `lastday restore CASE --go` tries again.
    """
    from casework.access import restore as restoring
    from cli.contexts import in_connected_context, in_context

    terminal = Terminal.of(as_json=as_json, actor=actor)
    in_context(lambda context: restoring.request_return(context, case, by=terminal.actor))
    return answer_restored(terminal, in_connected_context(lambda context: give_back(context, case)))
