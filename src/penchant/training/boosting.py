"""What every gradient-boosted model of LightGBM is told about how to run: the same answer for the same seed."""

from typing import Any

from penchant.training.options import Options


def boosting(options: Options, **learned: Any) -> dict[str, Any]:
    """The settings of LightGBM: how to run, from the options, beside what to learn.

    >>> boosting(Options(seed=3, threads=2), objective="lambdarank")["objective"]
    'lambdarank'
    """
    return {
        **learned,
        "seed": options.seed,
        "deterministic": True,
        # By columns, the sums and with them the trees would hang on the number of threads.
        "force_row_wise": True,
        "num_threads": options.threads or 0,
        "verbosity": -1,
    }
