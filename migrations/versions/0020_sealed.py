"""What a transaction changes of a case is sealed with its events; `lastday migrate` then seals, once, what older cases hold."""

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change no table: the version makes sure that `casework.trail.adopting` runs before anything is compared."""


def downgrade() -> None:
    """Leave what was sealed: nothing that is sealed is taken back."""
