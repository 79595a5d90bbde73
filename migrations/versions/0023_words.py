"""The digest of a pledge's words, which another version of what prints them leaves as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, empty: a pledge that is out is compared by its page, as before."""
    op.add_column("pledge", sa.Column("words_sha256", sa.String(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("pledge", "words_sha256")
