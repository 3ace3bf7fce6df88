"""Long answers that the collector of garbage would cause, avoided in a process that serves and does nothing else."""

import gc


def settle() -> None:
    """Let the collector pass over what is in memory now, which is there to stay.

    With 100,000 items it takes a fifth of a second to look through all of it, in which nobody is answered. What was set
    aside before is looked through once more, so that a build that answers no longer goes.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
