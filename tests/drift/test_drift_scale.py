"""The community that a scan is timed on holds what it says: members with a subject each, and the few who turned."""

import numpy as np
import pytest

from penchant.benchmarks.drift_scale import EVENTS_A_MEMBER, ITEMS_A_SUBJECT, OWN, run_scale, wandering
from penchant.data.interactions import histories
from penchant.errors import ConfigError


def test_members_keep_to_a_subject_but_for_those_who_turned() -> None:
    community, changed = wandering(400, seed=0)
    seen = histories(community)
    assert (np.diff(seen.offsets) == EVENTS_A_MEMBER).all()
    subject = seen.items.reshape(400, EVENTS_A_MEMBER) // ITEMS_A_SUBJECT
    usual = np.array([np.bincount(row[:80]).argmax() for row in subject])
    lately = (subject[:, 80:] == usual[:, None]).mean(axis=1)
    assert 0 < len(changed) < 20
    assert lately[changed].max() < 0.3
    assert np.delete(lately, changed).mean() == pytest.approx(OWN, abs=0.05)


def test_other_data_is_refused() -> None:
    with pytest.raises(ConfigError, match="simulated:10000000"):
        run_scale("ml-100k", None)
