"""Changes of the tables from one version of Penchant to the next, by Alembic; run whenever a service starts."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from penchant.data.database import Database


def upgrade(database: Database) -> None:
    """Bring a database that a `Store` has opened to the tables of this version; nothing where it has them already.

    Raises:
        StorageError: the database is out of reach, or refuses.
    """
    with database.reading() as connection:
        if revision(connection) == _scripts().get_current_head():
            return
    with database.writing() as connection:
        database.only_one_prepares(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def revision(connection: Connection) -> str | None:
    """The change that the database saw last; None where it has seen none."""
    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
