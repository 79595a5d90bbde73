"""The options that every verb shares."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Answer in JSON on standard output, and nothing else there.")
]
As: TypeAlias = Annotated[
    str | None, typer.Option("--as", metavar="PERSON", help="Who acts; by default the user of this machine.")
]
CaseId: TypeAlias = Annotated[str, typer.Argument(metavar="CASE", help="The case's id, as `lastday show` lists it.")]
ForReal: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--for-real/--plan-only",
        help="Record the decision that vendors may be changed, or that they may not; by default policy decides.",
    ),
]
