"""Where Prefect may keep what a run leaves behind: a folder of this machine, whatever its server says."""

from __future__ import annotations

from pathlib import Path

from prefect.settings import get_current_settings

HERE: Path = get_current_settings().home / "storage"
"""
Given to every flow.  Without it a flow asks the server for its default storage, writes the exceptions of a failed run there even
though results are not kept, and runs whatever kind of storage somebody has put there.
"""
