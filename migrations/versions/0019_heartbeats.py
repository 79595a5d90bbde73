"""Signs of life of the serving and the watching processes."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, empty: each process adds itself within five seconds."""
    op.create_table(
        "heartbeat",
        sa.Column("role", sa.String(), primary_key=True),
        sa.Column("host", sa.String(), primary_key=True),
        sa.Column("pid", sa.Integer(), primary_key=True),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_ahead", sa.Float(), nullable=False),
        sa.Column("turns", sa.JSON(), nullable=False),
    )
    op.create_index("ix_heartbeat_beat_at", "heartbeat", ["beat_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("heartbeat")
