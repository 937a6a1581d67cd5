"""The page in a real browser: it draws, it answers, it lets nothing out and nothing in, and anybody can use it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heirloom import results

pytestmark = pytest.mark.system

BROWSER = shutil.which("chromium")
SIZES = {"desk": (1280, 900), "phone": (380, 800)}
SECONDS = 120
FRAME = 200
"""Milliseconds in which a chart answers a click."""
BEYOND_THE_EDGE = "all => all.filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"
PAPER = 688
"""Pixels between the margins of A4."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if BROWSER is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI has no chromium: apt-get install chromium")
        pytest.skip("no chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


class Seen:
    """An open page, and what it said and asked for."""

    def __init__(self, browser: Any, size: str = "desk", scheme: str = "light") -> None:
        width, height = SIZES[size]
        self.page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page.set_default_timeout(SECONDS * 1000)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(Path(results.DEFAULT.page).resolve().as_uri())
        self.page.wait_for_function("document.body.dataset.drawn === 'all'")

    def shot(self, name: str) -> None:
        self.page.screenshot(path=f"{name}.png", full_page=True)

    def overflow(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def test_the_page_draws_every_chart_without_a_word_on_the_console_and_without_the_network(browser: Any, written: Path) -> None:
    seen = Seen(browser)
    seen.shot("desk-light")
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith(("file:", "data:"))] == []
    charts = seen.page.locator(".chart")
    assert charts.count() == 4 + len(seen.page.locator("figure").all())
    assert seen.page.locator("#texts figure.density").count() == 2
    marks = charts.evaluate_all("all => all.map(one => one.querySelectorAll('[class*=mark-line] path, [class*=mark-image] image').length)")
    assert min(marks) > 0
    assert seen.page.evaluate("window.hacked") is None


def test_choosing_a_measure_and_a_scale_redraws_the_chart(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    part = page.locator(".explorer").first
    axis = part.locator(".chart").inner_text()
    assert "covariance_trace.mean" in axis
    part.locator(".measure").select_option("log_determinant.median")
    page.wait_for_function("document.querySelector('.explorer .chart').dataset.drawn === 'log_determinant.median'")
    assert "log_determinant.median" in part.locator(".chart").inner_text()
    before = part.locator("svg").inner_html()
    part.get_by_label("log", exact=True).check()
    page.wait_for_function("before => document.querySelector('.explorer svg').innerHTML !== before", arg=before)


def test_pointing_at_a_mark_tells_its_values(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    page.locator(".explorer").first.locator(".chart [class*=mark-symbol] path").nth(1).hover(force=True)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert re.search(r"regime\s+replace\s+generation\s+1\s+value\s+0\.81\s", tooltip.inner_text())  # 0.9 ** 2


def test_an_arm_clicked_in_the_legend_stands_alone_until_it_is_clicked_again(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    chart = page.locator(".explorer").first.locator(".chart")

    def seen() -> list[float]:
        strengths = "all => all.map(one => Number(one.getAttribute('opacity') ?? 1))"
        return [float(value) for value in chart.locator("[class*=mark-line] path").evaluate_all(strengths)]

    whole = seen()
    chart.locator("[class*=legend-symbol] path").first.click(force=True)
    page.wait_for_timeout(FRAME)
    alone = seen()
    assert alone != whole
    assert max(alone) == max(whole)
    assert sum(value < max(whole) / 4 for value in alone) >= len(alone) / 2
    chart.locator("[class*=legend-symbol] path").first.click(force=True)
    page.wait_for_timeout(FRAME)
    assert seen() == whole


def test_paper_has_every_chart_whole_no_controls_and_no_dark_ground(browser: Any, written: Path) -> None:
    seen = Seen(browser, scheme="dark")
    page = seen.page
    assert page.locator("details.experiment:not([open])").count() + page.locator("details:not([open])").count() > 0
    page.evaluate(
        "window.print = () => (window.printed = document.querySelectorAll('details:not([open]):not(.vega-embed details)').length)"
    )
    page.get_by_role("button", name="Print").click()
    page.wait_for_function("window.printed === 0")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("nav").is_hidden()
    beyond = page.locator("main svg, main table, main pre").evaluate_all(BEYOND_THE_EDGE)
    assert beyond == []
    undrawn = "all => all.filter(one => !one.querySelector('svg')).length"
    assert page.locator(".chart").evaluate_all(undrawn) == 0
    page.pdf(path="page.pdf", format="A4", print_background=True)
    assert seen.said == []


def test_choosing_a_prompt_or_an_arm_changes_the_text_and_hostile_strings_stay_text(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    part = page.locator(".texts").first
    assert "<script>window.hacked = 1</script>" in part.inner_text()
    assert "\\u202e" in part.inner_text()
    assert "\U0001f600" in part.inner_text()
    first = part.locator(".sides").inner_text()
    part.locator(".prompt").select_option("1")
    second = part.locator(".sides").inner_text()
    part.locator(".right").select_option("keep")
    assert len({first, second, part.locator(".sides").inner_text()}) == 3
    assert part.locator("mark.i", has_text="glorp").count() > 0
    assert part.locator("mark.r", has_text="cat").count() > 0
    assert page.evaluate("window.hacked") is None


def test_a_box_of_the_lineage_shows_its_manifest_by_mouse_and_by_keyboard(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    part = page.locator(".lineage").filter(has=page.locator("[aria-label='words/real:train']"))
    part.locator(".box").first.click()
    assert "words/real:train" in part.locator(".manifest").inner_text()
    assert "<script>window.hacked = 1</script>" in part.locator(".manifest").inner_text()
    part.locator(".box").nth(2).focus()
    page.keyboard.press("Enter")
    assert re.search(r"words/\w+/0/1", part.locator(".manifest").inner_text())


def test_what_the_keyboard_has_reached_is_outlined(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    for _ in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "light"), ("phone", "dark")])
def test_the_page_fits_its_window_and_serves_everybody(browser: Any, written: Path, size: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    seen = Seen(browser, size, scheme)
    seen.shot(f"{size}-{scheme}")
    assert seen.overflow() <= 0
    found = Axe().run(seen.page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")] == []
