"""Signs of life of the serving and the watching processes; indexes for looks to come and for what a waiver settled."""

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
    op.drop_index("ix_look_due_at", "look")
    to_come = sa.text("looked_at IS NULL")
    op.create_index("ix_entitlement_settled_by", "entitlement", ["settled_by"])
    op.create_index("look_to_come", "look", ["due_at"], sqlite_where=to_come, postgresql_where=to_come)


def downgrade() -> None:
    """Drop it, and find looks as before."""
    op.drop_index("look_to_come", "look")
    op.drop_index("ix_entitlement_settled_by", "entitlement")
    op.create_index("ix_look_due_at", "look", ["due_at"])
    op.drop_table("heartbeat")
