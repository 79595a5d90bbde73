"""Signs of life of the processes that guarantee the cut and what comes after it."""

from datetime import datetime

from sqlmodel import Field

from models.tables.columns import Table, instant, json_column


class Heartbeat(Table, table=True):
    """
    A process that runs, by the database's clock.  One that ends in order removes its row.

    *role* is "serve" or "watch".  *clock_ahead*: by how many seconds the database's clock is ahead of its machine's.
    *turns*: what it does again and again, and since when (RFC 3339) each has failed, null while it goes well.
    """

    role: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    pid: int = Field(primary_key=True)
    beat_at: datetime = instant(default=..., index=True)
    clock_ahead: float = 0.0
    turns: dict[str, str | None] = json_column(default_factory=dict)
