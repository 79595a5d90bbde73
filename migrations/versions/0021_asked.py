"""What searches and reads asked, and how much came, so that their completeness can be judged."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty: the next search and the next read fill them."""
    op.add_column("search", sa.Column("looked_through", sa.Integer(), nullable=True))
    op.add_column("search", sa.Column("asked", sa.JSON(), nullable=True))
    op.add_column("kind_read", sa.Column("asked", sa.JSON(), nullable=True))
    op.add_column("kind_read", sa.Column("rows", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("kind_read", "rows")
    op.drop_column("kind_read", "asked")
    op.drop_column("search", "asked")
    op.drop_column("search", "looked_through")
