"""A log whose truth is planted: what the model's favourites would have earned is told from what chance showed."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from shops import KINDS, PER_KIND, START, shop, with_more

from penchant.data.splits import last_split
from penchant.recommend import RecommendConfig, evaluate, judged_by_log, train
from penchant.training.options import Options


def test_members_take_up_what_is_of_their_kind_and_the_log_tells_what_favourites_are_worth(tmp_path: Path) -> None:
    """Each list tried one of three items with equal chance; whoever got one of their own kind took it up."""
    rng = np.random.default_rng(0)
    community, lines, taken = shop(members=60), [], []
    kinds = list(KINDS)
    for member in range(60):
        for visit in range(6):
            drawn = int(rng.integers(3))
            at = START + timedelta(days=40 + visit, minutes=member)
            item = f"{kinds[drawn]}-{PER_KIND - 2}"
            lines.append(
                {"member": f"m{member}", "item": item, "place": 4, "propensity": 1 / 3, "strategy": "thompson",
                 "time": at.isoformat()}
            )  # fmt: skip
            if drawn == member % 3:
                taken.append((f"m{member}", item, "save", at + timedelta(minutes=5)))
    (tmp_path / "shown.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    config = RecommendConfig.model_validate(
        {"tuning": "none", "ranker": {"enabled": False}, "policy": {"exploration": {"log": "shown.jsonl"}}}
    ).at_home(tmp_path)
    known = with_more(community, taken)
    model = train(community, config, Options())
    found = judged_by_log(model, known)
    assert found is not None
    assert found.lines == 360
    assert found.reward == pytest.approx(1 / 3, abs=0.06)
    assert found.snips.value > 0.95
    assert found.ips.value == pytest.approx(1.0, abs=0.15)
    split = last_split(known, 0)
    assert evaluate(train(split.fit, config, Options()), split).logged is not None


def test_without_a_log_there_is_nothing_to_tell(tmp_path: Path) -> None:
    community = shop()
    plain = RecommendConfig(tuning="none", ranker={"enabled": False})  # type: ignore[arg-type]
    assert judged_by_log(train(community, plain, Options()), community) is None
    named = plain.model_copy(
        update={"policy": plain.policy.model_validate({"exploration": {"log": "not-yet.jsonl"}})}
    ).at_home(tmp_path)
    assert judged_by_log(train(community, named, Options()), community) is None
