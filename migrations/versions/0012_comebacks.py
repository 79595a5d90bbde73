"""An account that came back says by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "comeback",
        sa.Column("case_id", sa.String(), primary_key=True),
        sa.Column("connection", sa.String(40), primary_key=True),
        sa.Column("account_id", sa.String(), primary_key=True),
        sa.Column("came_back_at", moment, primary_key=True),
        sa.Column("closed_at", moment, nullable=False),
        sa.Column("opener", sa.String(), nullable=False),
        sa.Column("opened_by", sa.String()),
        sa.Column("ask_at", moment, index=True),
    )


def downgrade() -> None:
    op.drop_table("comeback")
