"""The first tables: the cases' and the trail's."""

import sqlalchemy as sa
from alembic import op

from audit import tables as audit_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("vendor_id", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("mastered_elsewhere", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("standing", sa.String(40), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "service", "vendor_id"),
    )
    op.create_index("ix_account_case_id", "account", ["case_id"], unique=False)

    op.create_table(
        "approval",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_approval_case_id", "approval", ["case_id"], unique=False)

    op.create_table(
        "attestation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("entitlement_id", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("attested_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_attestation_case_id", "attestation", ["case_id"], unique=False)

    op.create_table(
        "entitlement",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("vendor_id", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("confirmation", sa.String(40), nullable=False),
        sa.Column("confirmed_by", sa.String(40), nullable=True),
        sa.Column("guard", sa.String(40), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("remedy", sa.String(), nullable=True),
        sa.Column("prestate", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("op", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(40), nullable=True),
        sa.Column("commanded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("vendor_commanded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cut_effective_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("waived_from", sa.String(40), nullable=True),
        sa.Column("restored", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "id"),
    )
    op.create_table(
        "finding",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("service", sa.String(40), nullable=True),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("entitlement_id", sa.String(), nullable=True),
        sa.Column("entitlement_kind", sa.String(40), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("remedy", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "key"),
    )
    op.create_table(
        "look",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "label"),
    )
    op.create_index("ix_look_due_at", "look", ["due_at"], unique=False)

    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("source_sha256", sa.String(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notice_case_id", "notice", ["case_id"], unique=False)

    op.create_table(
        "offboarding_case",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("employee_no", sa.String(), nullable=False),
        sa.Column("employee_key", sa.String(), nullable=False),
        sa.Column("employment_ends_on", sa.Date(), nullable=False),
        sa.Column("last_working_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("leaver", sa.JSON(), nullable=False),
        sa.Column("manager", sa.String(), nullable=True),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("for_real", sa.Boolean(), nullable=False),
        sa.Column("for_real_by", sa.String(), nullable=True),
        sa.Column("contained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deprovisioned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("run_attempt", sa.Integer(), nullable=False),
        sa.Column("run_state", sa.String(40), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_holder", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_offboarding_case_due_at", "offboarding_case", ["due_at"], unique=False)
    op.create_index("ix_offboarding_case_employee_key", "offboarding_case", ["employee_key"], unique=False)
    op.create_index("ix_offboarding_case_state", "offboarding_case", ["state"], unique=False)
    op.create_index(
        "one_live_case",
        "offboarding_case",
        ["employee_key", "employment_ends_on"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('withdrawn', 'restoring', 'restored') AND kind <> 'leave'"),
        postgresql_where=sa.text("state NOT IN ('withdrawn', 'restoring', 'restored') AND kind <> 'leave'"),
    )

    op.create_table(
        "plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("policy_sha256", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_plan_case_id", "plan", ["case_id"], unique=False)

    op.create_table(
        "question",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("service", sa.String(40), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_question_case_id", "question", ["case_id"], unique=False)

    op.create_table(
        "search",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("searched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("remedy", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", "service"),
    )
    op.create_table(
        "waiver",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("service", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("entitlement_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("compensating_control", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_waiver_case_id", "waiver", ["case_id"], unique=False)

    audit_tables.create(op.get_bind())


def downgrade() -> None:
    audit_tables.drop(op.get_bind())
    op.drop_index("ix_waiver_case_id", "waiver")

    op.drop_table("waiver")
    op.drop_table("search")
    op.drop_index("ix_question_case_id", "question")

    op.drop_table("question")
    op.drop_index("ix_plan_case_id", "plan")

    op.drop_table("plan")
    op.drop_index(
        "one_live_case",
        "offboarding_case",
        sqlite_where=sa.text("state NOT IN ('withdrawn', 'restoring', 'restored') AND kind <> 'leave'"),
        postgresql_where=sa.text("state NOT IN ('withdrawn', 'restoring', 'restored') AND kind <> 'leave'"),
    )
    op.drop_index("ix_offboarding_case_state", "offboarding_case")
    op.drop_index("ix_offboarding_case_employee_key", "offboarding_case")
    op.drop_index("ix_offboarding_case_due_at", "offboarding_case")

    op.drop_table("offboarding_case")
    op.drop_index("ix_notice_case_id", "notice")

    op.drop_table("notice")
    op.drop_index("ix_look_due_at", "look")

    op.drop_table("look")
    op.drop_table("finding")
    op.drop_table("entitlement")
    op.drop_index("ix_attestation_case_id", "attestation")

    op.drop_table("attestation")
    op.drop_index("ix_approval_case_id", "approval")

    op.drop_table("approval")
    op.drop_index("ix_account_case_id", "account")

    op.drop_table("account")
