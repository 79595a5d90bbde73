"""The emergency brake."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "pause",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("case_id", sa.String()),
        sa.Column("company", sa.String()),
        sa.Column("paused_by", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("paused_at", moment, nullable=False),
        sa.Column("resumed_at", moment),
    )


def downgrade() -> None:
    op.drop_table("pause")
