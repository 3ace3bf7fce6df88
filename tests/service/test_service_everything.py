"""One event, followed through everything: strata, segment, drift, ranking, reason, console, export, forgetting."""

from datetime import timedelta

import polars as pl
from fastapi.testclient import TestClient
from service_served import Served
from service_shop import Words, build_everything

from penchant.members import remaining
from penchant.service.app import create_app
from penchant.service.settings import ServiceSettings
from penchant.workspace import Workspace


def test_one_event_goes_through_everything_and_is_gone_when_its_member_is(shop: Workspace) -> None:
    workspace = build_everything(shop)
    folder, member, version = workspace.path, "m3", workspace.require_current().version
    community = workspace.require_current().community
    now = community.now
    assert now is not None
    label = "Outdoor > Tents"
    same = community.items.filter(pl.col("categories").list.contains(label))["item_id"].to_list()
    with TestClient(
        create_app(workspace, ServiceSettings(language_model=False)), raise_server_exceptions=False
    ) as client:
        served = Served(client, workspace)
        served.state.builds.give(Words())

        def ask(path: str) -> dict:
            answer = client.get(f"/v1/members/{member}/{path}")
            assert answer.status_code == 200, answer.text
            return answer.json()

        strata = {one["label"] for one in ask("interests")["interests"] if one["tier"] != "latent"}
        assert label not in strata
        before = ask("recommendations?k=10")
        events = [
            {"member_id": member, "item_id": item, "kind": "like", "at": (now + timedelta(hours=turn)).isoformat()}
            for turn, item in enumerate((same * 3)[:20])
        ]
        events[-1] |= {"kind": "review", "text": "nothing like it, said Zebulon"}
        assert served.send(*events)["added"] == len(events)

        # Strata, and what they rest on.
        fresh = {one["label"]: one for one in ask("interests")["interests"] if one["tier"] != "latent"}
        assert label in fresh
        assert {piece["item_id"] for piece in fresh[label]["evidence"]} <= set(same)
        # Segment and drift: from the build, or the reason why not.
        assert ask("segment")["build"] == version
        drift = client.get(f"/v1/members/{member}/drift")
        assert drift.status_code == 404
        assert "judges no single member" in drift.json()["error"]["message"]
        # Ranking and reason.
        after = ask("recommendations?k=10")
        assert [pick["item_id"] for pick in after["picks"]] != [pick["item_id"] for pick in before["picks"]]
        assert f"{now + timedelta(hours=len(events) - 1):%Y-%m-%d}" in after["strategy"]
        named = {piece["item_id"] for pick in after["picks"] for piece in pick["evidence"]}
        assert named & set(same), "what was liked a moment ago is a reason"
        # Console.
        served.state.sessions.add_user("ann", "a long password")
        login = client.post(
            "/console/login", data={"user": "ann", "password": "a long password"}, follow_redirects=False
        )
        assert login.status_code in (302, 303), login.text[:300]
        page = client.get(f"/console/members/{member}")
        assert page.status_code == 200
        assert community.titles[community.item_ids.row(same[0])] in page.text
        # Export and forgetting.
        exported = client.get(f"/v1/members/{member}/export").json()
        assert "Zebulon" in str(exported["events"])
        assert client.delete(f"/v1/members/{member}").json() == {"changed": 1}
        assert client.get(f"/v1/members/{member}/interests").status_code == 404
        assert ask("recommendations")["strategy"].startswith("popular")
        assert served.state.builds.current.community.member_ids.row_or_none(member) is None
    written = "nothing like it, said Zebulon"
    assert remaining(workspace, member, [written]) == []
    assert [path for path in folder.rglob("*") if path.is_file() and b"Zebulon" in path.read_bytes()] == []
