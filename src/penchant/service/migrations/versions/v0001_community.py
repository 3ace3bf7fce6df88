"""The tables of the community, as the store of version 1 makes them itself."""

from alembic import op
from sqlalchemy import inspect

from penchant.errors import StorageError

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make sure that a store stands here; a database without one is opened by `Store` first."""
    if not inspect(op.get_bind()).has_table("schema_version"):
        raise StorageError("the database holds no store yet; read data into the workspace first: penchant read")
