"""Ten things that a marketing person does, in a real browser and both languages; and every page can be used by all."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from penchant.language import Lang, Phrase
from penchant.service.app import create_app
from penchant.service.settings import ServiceSettings
from penchant.service.state import State

USER, PASSWORD = "bea", "a long and quiet password"
PAGES = (
    "",
    "members",
    "segments",
    "interests",
    "drift",
    "social",
    "search?q=tent",
    "review",
    "builds",
    "quality",
    "audit",
    "settings",
)

TROUBLES = """() => {
  const found = [];
  const named = (node) => node.getAttribute("aria-label") || node.textContent.trim();
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!field.labels.length && !field.ariaLabel) found.push(`no label: ${field.outerHTML.slice(0, 80)}`);
  for (const node of document.querySelectorAll("button, a[href]"))
    if (!named(node)) found.push(`no name: ${node.outerHTML.slice(0, 80)}`);
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of ids) if (ids.filter((other) => other === id).length > 1) found.push(`id twice: ${id}`);
  if (document.querySelectorAll("h1").length !== 1) found.push("not one first heading");
  if (!document.documentElement.lang) found.push("no language");
  if (!document.querySelector("main")) found.push("no main part");
  for (const cell of document.querySelectorAll("th")) if (!cell.scope) found.push("a heading cell without scope");
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = rgb(getComputedStyle(node).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || node.closest("script, style, svg, datalist, option, .skip")) continue;
    if (!node.getClientRects().length) continue;
    const style = getComputedStyle(node);
    const [a, b] = [luminance(rgb(style.color)), luminance(behind(node))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && style.fontWeight >= 700);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < (large ? 3 : 4.5)) found.push(`contrast ${contrast.toFixed(2)}: ${node.outerHTML.slice(0, 80)}`);
  }
  return [...new Set(found)];
}"""


class Server:
    """The service in a thread of this process, on a port of its own."""

    def __init__(self, workspace: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.app = create_app(workspace, ServiceSettings(language_model=False, port=self.port))
        config = uvicorn.Config(self.app, host="127.0.0.1", port=self.port, log_level="error", lifespan="on")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    @property
    def state(self) -> State:
        return self.app.state.penchant

    def start(self) -> None:
        self.thread.start()
        until = time.monotonic() + 60
        while not self.server.started:
            assert self.thread.is_alive()
            assert time.monotonic() < until, "the service did not start within a minute"
            time.sleep(0.05)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=20)


@pytest.fixture(scope="module")
def server(console_workspace: Path) -> Iterator[Server]:
    started = Server(console_workspace)
    started.start()
    started.state.sessions.add_user(USER, PASSWORD)
    yield started
    started.stop()


@pytest.fixture(scope="module", params=["en", "zh"])
def page(request: pytest.FixtureRequest, browser: Any, server: Server) -> Iterator[Any]:
    """Bea is logged in, in a browser that speaks one language; what its console complains of fails the test."""
    lang: Lang = request.param
    context = browser.new_context(locale="zh-CN" if lang == "zh" else "en-GB", accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    opened.said = []
    opened.on("console", lambda message: opened.said.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.root, opened.lang = f"http://127.0.0.1:{server.port}/console", lang
    opened.goto(f"{opened.root}/")
    opened.fill("#user", USER)
    opened.fill("#password", PASSWORD)
    opened.press("#password", "Enter")
    opened.wait_for_selector(".side nav")
    yield opened
    assert opened.said == []
    context.close()


def busiest(server: Server) -> str:
    community = server.state.builds.current.community
    return community.member_ids.id(community.events["member"].value_counts(sort=True)["member"][0])


@pytest.mark.slow
def test_finding_why_a_member_got_an_item(page: Any, server: Server) -> None:
    member = busiest(server)
    page.goto(f"{page.root}/members")
    page.fill("#q", member)
    page.press("#q", "Enter")
    page.click(f"text={member}")
    first = page.locator(".picks > li").first
    assert first.locator(".reason").inner_text()
    first.locator("summary").click()
    assert first.locator(".evidence li").first.is_visible()
    assert first.locator(".evidence li").first.inner_text().endswith("%")


@pytest.mark.slow
def test_trying_what_an_event_would_change(page: Any, server: Server) -> None:
    page.goto(f"{page.root}/members/{busiest(server)}")
    titles = page.locator(".picks .title").all_inner_texts()
    page.fill("#what-if", server.state.builds.current.community.item_ids.id(7))
    page.select_option("#kind", "buy")
    page.press("#what-if", "Enter")
    page.wait_for_selector("#after")
    assert page.locator("#after .picks .title").all_inner_texts() != titles
    assert page.locator("#after .moved").count() > 0


@pytest.mark.slow
def test_building_and_downloading_an_audience(page: Any, server: Server) -> None:
    interests = server.state.builds.current.interests
    assert interests is not None
    page.goto(f"{page.root}/interests")
    page.fill("#label", interests.strata.labels[0])
    page.check("input[value=regular]")
    page.locator("main form button").first.click()
    page.wait_for_selector("#result")
    with page.expect_download() as waiting:
        page.click("#result a[download]")
    assert Path(waiting.value.path()).read_text().startswith("member_id,share")


@pytest.mark.slow
def test_clearing_an_alert(page: Any, server: Server) -> None:
    alert = server.state.alerts.add("burst", Phrase(f"a burst, {page.lang}", f"突增，{page.lang}"))
    page.goto(f"{page.root}/review?kind=alert")
    assert page.locator("article h3").first.inner_text() == Phrase(f"a burst, {page.lang}", f"突增，{page.lang}")(
        page.lang
    )
    page.click("button[value=dismiss]")
    page.wait_for_selector(".notice")
    settled = next(one for one in server.state.alerts.list() if one.number == alert.number)
    assert settled.settled_by == USER


@pytest.mark.slow
def test_rolling_a_build_back_and_forth(page: Any, server: Server) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{page.root}/builds")
    page.click("form[action$='/0001'] button")
    page.wait_for_selector(".notice")
    assert server.state.builds.current.version == "0001"
    page.click("form[action$='/0002'] button")
    page.wait_for_selector("form[action$='/0001']")
    assert server.state.builds.current.version == "0002"


@pytest.mark.slow
def test_searching_shows_scores(page: Any, server: Server) -> None:
    page.goto(f"{page.root}/search")
    page.fill("#q", server.state.builds.current.community.titles[3])
    page.fill("#member", busiest(server))
    page.press("#q", "Enter")
    assert page.locator(".score").count() > 0


@pytest.mark.slow
def test_reading_which_rows_were_refused(page: Any) -> None:
    page.goto(f"{page.root}/quality")
    assert page.locator("tbody tr", has_text="no-such-item").count() == 1


@pytest.mark.slow
def test_seeing_who_did_what(page: Any) -> None:
    page.goto(f"{page.root}/audit")
    assert page.locator("tbody tr", has_text=USER).count() > 0


@pytest.mark.slow
def test_naming_a_segment(page: Any, server: Server) -> None:
    page.goto(f"{page.root}/review?kind=segment")
    if not page.locator("article").count():
        pytest.skip("so few members make no segments")
    number = page.locator("article input[name=subject]").first.get_attribute("value")
    page.locator("article input[name=answer]").first.fill(f"Fans {page.lang}")
    page.locator("article button[value=approve]").first.click()
    page.wait_for_selector(".notice")
    named = server.state.systems.segments_of(server.state.builds.current).of(int(number or -1))
    assert named is not None
    assert named.name(page.lang) == f"Fans {page.lang}"
    page.goto(f"{page.root}/segments")
    assert page.locator("main").inner_text().count(f"Fans {page.lang}")


@pytest.mark.slow
def test_trying_a_build_on_some_members(page: Any, server: Server) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{page.root}/builds")
    page.fill("#trial-name", f"spring-{page.lang}")
    page.fill("#trial-share", "40")
    page.locator("#trial form button").click()
    page.wait_for_selector(".notice")
    running = server.state.builds.trial
    assert running is not None
    assert (running.name, running.share) == (f"spring-{page.lang}", 0.4)
    for member in ("m000001", "m000002", "m000003", "m000004", "m000005", "m000006"):
        page.goto(f"{page.root}/members/{member}")
    page.goto(f"{page.root}/builds")
    shown = page.locator("#trial tbody tr td:nth-child(2)").all_inner_texts()
    assert sum(int(one) for one in shown) == 6
    page.locator("#trial form button").click()
    page.wait_for_selector("#trial-name")
    assert server.state.builds.trial is None


@pytest.mark.slow
def test_answering_the_questionnaire_changes_what_a_newcomer_is_shown(page: Any, server: Server) -> None:
    page.goto(f"{page.root}/social")
    if not page.locator("#question").count():
        pytest.skip("this build has learned nothing of ties")
    before = page.locator("ol.picks").first.inner_text()
    page.locator("#question + .actions a").nth(1).click()
    page.wait_for_url("**answers=**")
    assert page.locator("ol.picks").first.inner_text() != before


@pytest.mark.slow
def test_whom_a_member_is_tied_to_leads_on(page: Any, server: Server) -> None:
    community = server.state.builds.current.community
    row = community.ties["member"][0]
    page.goto(f"{page.root}/members/{community.member_ids.id(row)}")
    first = page.locator(".ties a").first
    other = first.inner_text()
    first.click()
    page.wait_for_url(f"**/members/{other}")
    assert other in page.locator("h1").inner_text()


@pytest.mark.slow
def test_the_theme_stays_from_page_to_page(page: Any) -> None:
    page.goto(f"{page.root}/")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector(f"html[data-theme={scheme}]", state="attached")
    page.evaluate("dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("localStorage.getItem('penchant-theme')") is None, "nobody has chosen one"
    before = page.evaluate("document.documentElement.dataset.theme")
    page.click("#theme")
    chosen = page.evaluate("document.documentElement.dataset.theme")
    page.goto(f"{page.root}/members")
    assert page.evaluate("document.documentElement.dataset.theme") == chosen != before
    page.evaluate("localStorage.removeItem('penchant-theme')")


@pytest.mark.slow
def test_everything_is_reached_by_keyboard(page: Any) -> None:
    page.goto(f"{page.root}/members")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "q"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_has_labels_names_and_contrast(page: Any, server: Server, theme: str) -> None:
    page.evaluate("theme => localStorage.setItem('penchant-theme', theme)", theme)
    for path in (*PAGES, f"members/{busiest(server)}"):
        page.goto(f"{page.root}/{path}")
        assert page.evaluate(TROUBLES) == [], path
    page.evaluate("localStorage.removeItem('penchant-theme')")
