"""Accounts are judged by facts; what was found out of a person outlives the case."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """
    Every row stays, with its standing and its reason.  Facts are not made up from a confidence: `facts` stays NULL until
    a search has read the account again.  Questions that were asked a service at a time stay answerable as they are.
    """
    with op.batch_alter_table("account") as account:
        account.add_column(sa.Column("facts", sa.JSON(), nullable=True))
        account.add_column(sa.Column("judged", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
        account.add_column(sa.Column("addresses", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
        account.add_column(sa.Column("for_administration", sa.Boolean(), nullable=False, server_default=sa.false()))
        account.add_column(sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
        account.drop_column("confidence")
    with op.batch_alter_table("account") as account:
        account.alter_column("judged", server_default=None)
        account.alter_column("addresses", server_default=None)
        account.alter_column("for_administration", server_default=None)
    op.create_table(
        "account_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("company", sa.String(), nullable=False),
        sa.Column("employee_key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("theirs", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("company", "employee_key", "service", "account_id"),
    )
    op.create_index("ix_account_link_case_id", "account_link", ["case_id"], unique=False)
    op.create_table(
        "directory_numbers",
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("agreed", sa.Integer(), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("service"),
    )


def downgrade() -> None:
    op.drop_table("directory_numbers")
    op.drop_table("account_link")
    with op.batch_alter_table("account") as account:
        for column in ("seen_at", "for_administration", "addresses", "judged", "facts"):
            account.drop_column(column)
        account.add_column(sa.Column("confidence", sa.Float(), nullable=False, server_default="0"))
