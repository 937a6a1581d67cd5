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
BEYOND_THE_EDGE = "all => all.filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 80))"
STOPS = 60
"""Elements that the Tab key reaches before anything is opened, at most."""
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
    lines = seen.page.locator(".lines").evaluate_all("all => all.map(one => one.querySelectorAll('path.line').length)")
    assert lines == [3, 3, 4, 1, 1]  # the control among them: first the chart on top, then text before the rest
    seen.page.evaluate("document.querySelectorAll('details:not(.vega-embed *)').forEach(one => (one.open = true))")
    seen.page.wait_for_function("[...document.querySelectorAll('.figure')].every(one => one.dataset.drawn)")
    counted = "all => all.map(one => one.querySelectorAll('[class*=mark-line] path, [class*=mark-image] image').length)"
    assert min(seen.page.locator(".figure").evaluate_all(counted)) > 0
    assert seen.said == []
    assert seen.page.evaluate("window.hacked") is None


def explorer_of(page: Any, name: str) -> Any:
    return page.locator(".experiment").filter(has=page.locator("h3", has_text=re.compile(f"^{name} "))).locator(".explorer")


def labels(chart: Any) -> list[str]:
    return [words for words in chart.locator("svg text").all_text_contents() if words]


def test_choosing_a_measure_a_scale_or_an_arm_redraws_the_chart_and_the_address_brings_it_back(browser: Any, written: Path) -> None:
    seen = Seen(browser)
    part = explorer_of(seen.page, "toy")
    groups = part.locator("optgroup").evaluate_all("all => all.map(one => one.label)")
    assert groups == ["fit to real data", "diversity", "tails", "ancestry"]
    part.locator(".measure").select_option("covariance_trace.median")
    assert "variance, median over chains (covariance_trace.median, in squared units)" in part.locator(".definition").inner_text()
    assert "It falls when a model collapses." in part.locator(".definition").inner_text()
    linear = part.locator("path.line").first.get_attribute("d")
    part.get_by_label("log", exact=True).check()
    ticks = [float(words) for words in labels(part)[:8] if re.fullmatch(r"0\.\d+", words)]
    assert part.locator("path.line").first.get_attribute("d") != linear
    assert len(ticks) >= 3
    assert min(ticks) >= 0.5 * 0.9**8  # the lower end of the band at generation 6: the axis is not stretched to a decade
    part.get_by_role("button", name="keep").click()
    assert part.locator("path.line").count() == 1
    seen.page.reload()
    seen.page.wait_for_function("document.body.dataset.drawn === 'all'")
    again = explorer_of(seen.page, "toy")
    assert again.locator(".measure").input_value() == "covariance_trace.median"
    assert again.get_by_label("log", exact=True).is_checked()
    assert again.locator("path.line").count() == 1
    assert again.get_by_role("button", name="replace").get_attribute("aria-pressed") == "false"
    again.get_by_role("button", name="keep").click()
    assert again.locator("path.line").count() == 4


def test_pointing_anywhere_tells_the_values_of_all_arms_at_the_nearest_generation(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    chart = explorer_of(page, "toy").locator(".chart")
    box = chart.bounding_box()
    chart.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
    tip = chart.locator(".tip")
    told = tip.inner_text()
    generation = int(re.search(r"generation (\d)", told).group(1))  # type: ignore[union-attr]
    assert 1 <= generation <= 5
    assert re.search(rf"replace {0.9 ** (1 + generation):.4g}".rstrip("0"), told)
    assert len(told.splitlines()) == 5
    assert "NaN" not in told
    assert "null" not in told
    chart.focus()
    page.keyboard.press("ArrowRight")
    assert "generation" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_the_page_begins_with_its_finding_and_has_few_screens_and_few_stops(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    sentence = page.locator(".sentence").inner_text()
    assert sentence.startswith("After three generations on its own text, the model's perplexity on real text rose from 60.5 to 110 ")
    ends = page.locator(".hero .end").all_text_contents()
    assert [words.split()[0] for words in ends] == ["replace", "keep", "control"]
    details = page.locator(".details-begin").bounding_box()["y"]
    assert details <= 8 * SIZES["desk"][1]
    page.mouse.click(1, 300)
    stops = 0
    for _ in range(STOPS + 1):
        page.keyboard.press("Tab")
        stops += page.evaluate("document.activeElement !== document.body")
    assert stops <= STOPS


def test_a_claim_opens_on_demand_and_leads_to_its_curve(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    claim = page.locator("#claim-forgets_real_text")
    assert claim.locator(".finding").first.is_hidden()
    claim.locator("summary").click()
    claim.get_by_role("link", name="Curve of test_perplexity in words").click()
    assert "m.words=test_perplexity" in page.url
    page.wait_for_function("document.querySelector('.explorer .measure').value === 'test_perplexity'")
    assert "test_perplexity" in explorer_of(page, "words").locator(".definition").inner_text()


def test_the_page_of_another_run_is_laid_beside_this_one(browser: Any, written: Path) -> None:
    seen = Seen(browser)
    page = Path(results.DEFAULT.page).read_text(encoding="utf-8")
    (number,) = set(re.findall(r'"name":"test_perplexity".*?"keep":\{"g":\[0,1,2,3\],"v":\[60.498,([\d.]+),', page))
    other = page.replace(f'"v":[60.498,{number},', '"v":[60.498,99.0,')
    other = other.replace('"regimes.keep.original.share":"0.1"', '"regimes.keep.original.share":"0.2"')
    Path("other.html").write_text(other, encoding="utf-8")
    part = seen.page.locator(".comparison")
    part.locator(".other-file").set_input_files("other.html")
    part.get_by_text("regimes.keep.original.share: 0.2 → 0.1").wait_for()
    assert "Dashed: other.html" in part.inner_text()
    explorer = explorer_of(seen.page, "words")
    explorer.locator(".measure").select_option("test_perplexity")
    assert explorer.locator(".end").all_text_contents().count("keep · other") == 1
    assert explorer.locator("path.line").count() == 4  # equal lines are drawn once
    part.get_by_role("button", name="this run alone").click()
    assert explorer.locator("path.line").count() == 3
    part.locator(".other-file").set_input_files("config.yaml")
    part.get_by_text("is no page").wait_for()
    assert seen.said == []


def test_an_address_of_something_closed_opens_it(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    assert page.locator("#lineage .generations").first.is_hidden()
    page.get_by_role("link", name="Lineage").click()
    page.locator("#lineage .generations").first.wait_for()


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


def test_choosing_a_prompt_an_arm_or_a_generation_changes_the_text_and_hostile_strings_stay_text(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    part = page.locator(".texts").first
    whole = []
    for prompt in range(6):
        part.locator(".prompt").select_option(str(prompt))
        whole.append(part.inner_text())
    assert len(set(whole)) == 4  # of the six texts of a set two are said again
    assert any("<script>window.hacked = 1</script>" in words for words in whole)
    assert any("\\u202e" in words for words in whole)
    assert any("\U0001f600" in words for words in whole)
    before = part.locator(".sides").inner_text()
    part.locator(".right").select_option("control")
    other_arm = part.locator(".sides").inner_text()
    part.locator(".set").fill("0")
    assert part.locator(".writer").inner_text() == "written by generation 0"
    assert len({before, other_arm, part.locator(".sides").inner_text()}) == 3
    assert re.search(r"[#&]g\.words=0", page.url)
    assert part.locator("mark.i, mark.ri").count() > 0
    assert part.locator(".bars rect.now").count() == 6
    assert page.evaluate("window.hacked") is None


def test_a_box_of_the_lineage_shows_its_manifest_and_its_sources_by_mouse_and_by_keyboard(browser: Any, written: Path) -> None:
    page = Seen(browser).page
    page.get_by_role("link", name="Lineage").click()
    part = page.locator(".lineage").filter(has=page.locator("[aria-label='words/real:train']"))
    part.locator(".box").first.click()
    assert "words/real:train" in part.locator(".manifest").inner_text()
    assert "<script>window.hacked = 1</script>" in part.locator(".manifest").inner_text()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert part.locator(".manifest h4").inner_text() == "words/origin/0/0"
    assert part.locator(".box[tabindex='0']").count() == 1


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
