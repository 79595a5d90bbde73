"""What vendors' published limits still allow, shared by all processes."""

from sqlmodel import Field

from models.tables.columns import Table
from models.vocabulary import ConnectionId


class CallBudget(Table, table=True):
    """
    One limit of one connection.

    *spent_until*: seconds since 1970, on the database's clock, until which what the limit allows is spent (see
    `connectors.kit.limits`).
    """

    connection: ConnectionId = Field(primary_key=True)
    name: str = Field(primary_key=True)
    spent_until: float
