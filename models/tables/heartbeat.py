"""Heartbeats of the processes that guarantee the cut and the work after it."""

from datetime import datetime

from sqlmodel import Field

from models.tables.columns import Table, instant, json_column


class Heartbeat(Table, table=True):
    """
    A running process, by the database's clock.  A process that ends in order removes its row.

    *role*: "serve" or "watch".  *clock_ahead*: seconds by which the database's clock is ahead of its machine's.
    *turns*: its repeated jobs, each with the time (RFC 3339) since which it fails, null while it succeeds.
    """

    role: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    pid: int = Field(primary_key=True)
    beat_at: datetime = instant(default=..., index=True)
    clock_ahead: float = 0.0
    turns: dict[str, str | None] = json_column(default_factory=dict)
