"""What Alembic runs: the changes, on the connection that `upgrade` hands over."""

from alembic import context


def run() -> None:
    """Bring the database of the connection up to date."""
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
    context.run_migrations()


# The name under which Alembic reads this file; there is nothing to run on where anybody else does.
if __name__ == "env_py":
    run()
