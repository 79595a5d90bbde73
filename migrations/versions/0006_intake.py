"""A person is (company, number); a number may be in dispute; an emergency is recorded as one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LIVE = sa.text("state NOT IN ('withdrawn', 'restoring', 'restored') AND kind <> 'leave'")


def upgrade() -> None:
    op.add_column("offboarding_case", sa.Column("company", sa.String(), nullable=False, server_default="default"))
    op.add_column(
        "offboarding_case", sa.Column("number_disputed", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("offboarding_case", sa.Column("at_once_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("offboarding_case", sa.Column("at_once_by", sa.String(), nullable=True))
    # a dismissal was always an emergency: from now on it is recorded as one, with who reported it
    op.execute("UPDATE offboarding_case SET at_once_at = opened_at, at_once_by = reported_by WHERE kind = 'dismissal'")
    _index("company", "employee_key", "employment_ends_on")


def downgrade() -> None:
    _index("employee_key", "employment_ends_on")
    for column in ("at_once_by", "at_once_at", "number_disputed", "company"):
        op.drop_column("offboarding_case", column)


def _index(*columns: str) -> None:
    op.drop_index("one_live_case", table_name="offboarding_case")
    op.create_index(
        "one_live_case", "offboarding_case", list(columns), unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
    )
