"""Reviews: whom one is about, so that it goes with its member, and what was said, for the next build to learn from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; the answers that are there are about items, segments and alerts, and lack both."""
    op.add_column("service_reviews", sa.Column("member_id", sa.Text))
    op.add_column("service_reviews", sa.Column("said", sa.Text))
