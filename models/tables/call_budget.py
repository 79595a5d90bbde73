"""What vendors' published limits still allow, shared by all processes."""

from sqlmodel import Field

from models.tables.columns import Table, json_column
from models.vocabulary import ConnectionId


class CallBudget(Table, table=True):
    """
    One limit of one connection.

    *slots*: calls that were taken, by the number of their slot on the database's clock (see `connectors.kit.limits`).
    """

    connection: ConnectionId = Field(primary_key=True)
    name: str = Field(primary_key=True)
    slots: dict[str, int] = json_column(default_factory=dict)
