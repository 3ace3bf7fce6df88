"""The script for pages, in a browser: the example shop sends what is clicked, and its shelf follows."""

import runpy
import time
from pathlib import Path
from typing import Any

import pytest

from penchant.data.store import Store
from penchant.workspace import Workspace

EXAMPLE = Path(__file__).parents[2] / "examples" / "shop_page.py"


@pytest.fixture
def page_of_shop(shop: Workspace, browser: Any):
    """A browser's page, the shop's address, and the store behind it."""
    url, servers = runpy.run_path(str(EXAMPLE))["main"](shop.path, language_model=False)
    context = browser.new_context()
    yield context, url, shop
    context.close()
    for server in servers:
        server.should_exit = True
    time.sleep(0.3)


@pytest.mark.slow
def test_clicks_are_events_and_the_shelf_follows_them(page_of_shop) -> None:
    context, url, workspace = page_of_shop
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(url)
    page.wait_for_selector("#shelf button")
    assert "nothing is known" in page.text_content("#how")
    for _ in range(2):
        first = page.locator("#shelf button").first
        bought = first.get_attribute("data-item")
        first.click()
        page.wait_for_function(
            "item => !document.querySelector(`[data-item='${item}']`) && document.querySelector('#shelf button')",
            arg=bought,
        )
    assert "2 events" in page.text_content("#how")
    assert problems == []
    with workspace.store() as store:
        events = store.read().with_ids("events")
    visitor = events.filter(events["member_id"].str.starts_with("visitor-"))
    assert visitor["kind"].to_list() == ["buy", "buy"]


@pytest.mark.slow
def test_who_asks_not_to_be_tracked_sends_nothing_and_much_is_sent_in_batches(page_of_shop) -> None:
    context, url, workspace = page_of_shop
    page = context.new_page()
    page.add_init_script("Object.defineProperty(navigator, 'doNotTrack', {get: () => '1'})")
    page.goto(url)
    page.wait_for_selector("#shelf button")
    page.locator("#shelf button").first.click()
    page.wait_for_timeout(300)
    with workspace.store() as store:
        assert not any(member.startswith("visitor-") for member in store.read().members["member_id"])
    page = context.new_page()
    batches: list[int] = []
    page.on("request", lambda asked: batches.append(asked.post_data.count("member_id")) if asked.post_data else None)
    page.goto(url)
    page.wait_for_selector("#shelf button")
    page.evaluate(
        "for (let row = 0; row < 120; row++) penchant.send('view', 'p' + (row % 20), {text: 'x'.repeat(5000)})"
    )
    page.evaluate("penchant.flush()")
    deadline = time.monotonic() + 10
    while _sent(workspace.store()) < 120 and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert _sent(workspace.store()) == 120
    assert max(batches) <= 50
    assert len(batches) >= 3


def _sent(store: Store) -> int:
    with store:
        events = store.read().with_ids("events")
        return len(events.filter(events["member_id"].str.starts_with("visitor-")))
