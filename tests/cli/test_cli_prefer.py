"""`penchant recommend prefer`: chances of items, for people and for scripts."""

import json
from pathlib import Path

import pytest

from penchant.cli.app import main
from penchant.recommend.preference_community import prefer
from penchant.recommend.preference_examples import opinions_in
from penchant.training.options import Options
from penchant.workspace import Workspace


def test_the_chances_are_those_of_the_library(built_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    community = Workspace.open(built_workspace).require_current().recommender().community
    row = next(iter(opinions_in(community)))
    member, items = community.member_ids.id(row), [community.item_ids.id(item) for item in (1, 4, 9)]
    assert main(["recommend", "prefer", str(built_workspace), member, *items, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = prefer(community, row, [1, 4, 9], Options())
    assert [(item["item_id"], item["probability"]) for item in told["items"]] == [
        (community.item_ids.id(item), pytest.approx(chance)) for item, chance in found.items
    ]
    assert (told["liked"], told["disliked"], told["members"]) == (found.liked, found.disliked, found.members)


def test_without_items_the_best_recommendations_are_put_in_order(
    built_workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recommender = Workspace.open(built_workspace).require_current().recommender()
    row = next(iter(opinions_in(recommender.community)))
    member = recommender.community.member_ids.id(row)
    assert main(["recommend", "prefer", str(built_workspace), member, "-k", "3", "--lang", "zh"]) == 0
    shown = capsys.readouterr()
    for pick in recommender.recommend(member, 3):
        assert pick.title in shown.out
    assert "可能性" in shown.out
    assert main(["recommend", "prefer", str(built_workspace), "nobody"]) == 2
    assert "no member has the id 'nobody'" in capsys.readouterr().err
