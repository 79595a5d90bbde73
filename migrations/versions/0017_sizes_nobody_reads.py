"""The size of what a compressed file holds was written, and never read."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop it."""
    op.drop_column("evidence_file", "content_size")


def downgrade() -> None:
    """Add it, empty."""
    op.add_column("evidence_file", sa.Column("content_size", sa.BigInteger(), nullable=True))
