"""Changes: a number for each of ties, items and members forgotten, so that a worker hears of what another one did."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table; what has not changed since has no row."""
    op.create_table(
        "service_changes",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
