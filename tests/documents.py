"""What docs/ shows of the code is made from it: `python -m tests.documents picture`, or `schema > docs/case.schema.json`."""

from __future__ import annotations

import json
import sys

from pydantic.json_schema import GenerateJsonSchema

from casework.lifecycle import TABLE
from casework.view.case import CaseView


def picture() -> str:
    """Return the life of a case as a Mermaid state diagram."""
    lines = [f"    {step.source or '[*]'} --> {step.to}: {step.verb}" for step in TABLE]
    return "\n".join(("stateDiagram-v2", *lines, ""))


def schema() -> str:
    """Return the shape of `lastday show CASE --json` as JSON Schema."""
    made = CaseView.model_json_schema(mode="serialization")
    return json.dumps({"$schema": GenerateJsonSchema.schema_dialect, **made}, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write({"picture": picture, "schema": schema}[sys.argv[1]]())
