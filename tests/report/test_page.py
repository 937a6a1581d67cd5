"""The page's sections as plain data, each from what a run has left."""

from __future__ import annotations

import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heirloom import digests, results
from heirloom.artefacts import kinds, paths
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report import kept_rows, tables
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.intervals import t_quantile
from heirloom.report.page import answer, build, curves, drawings, lineage, lost, making, texts
from heirloom.words import DEFINITION
from report.conftest import write_text_set


def explorer(key: str, rows: pd.DataFrame, config: Config) -> dict[str, Any]:
    Path(paths.fingerprint(results.DEFAULT.onset)).unlink(missing_ok=True)  # as before there was a digest: onsets are worked out anew
    return curves.context(ExperimentResults(key, config, rows))


def test_repeated_words_and_invented_ones_are_marked_and_cut_ones_are_not_called_invented() -> None:
    real_words = {"the", "cat", "sat", "on"}
    assert texts.marked_pieces("xqz the cat sat on glorp xqz", real_words) == ["xqz the cat sat on ", ["glorp", "i"], " xqz"]
    twice = texts.marked_pieces("so the cat sat. The cat sat", real_words)
    assert [piece[0] for piece in twice if isinstance(piece, list)] == ["the", "cat", "sat", "The", "cat", "sat"]
    assert {piece[1] for piece in twice if isinstance(piece, list)} == {"r"}
    assert "".join(piece if isinstance(piece, str) else piece[0] for piece in twice) == "so the cat sat. The cat sat"


def test_texts_of_one_prompt_stand_together_with_what_the_human_wrote_next(finished: Path, config: Config) -> None:
    section = texts.context("words", config.experiments["words"])
    assert section is not None
    assert (section["generations"], section["arms"]) == ([1, 2, 3], ["replace", "keep", "control"])
    assert [prompt["row"] for prompt in section["prompts"]] == [
        3,
        0,
        4,
        2,
        1,
        5,
    ]
    second = next(prompt for prompt in section["prompts"] if prompt["row"] == 1)
    assert "img src" in second["prompt"]
    assert "turned" in str(second["real"])
    assert len(second["arms"]["replace"]) == 3
    assert (section["left"], section["right"]) == ("replace", "keep")
    assert texts.context("toy", config.experiments["toy"]) is None


def test_words_are_lost_when_no_later_set_has_them(finished: Path, config: Config) -> None:
    section = lost.context("words", config.experiments["words"])
    assert section is not None
    replace = section["arms"][0]
    assert [row["generation"] for row in replace["generations"]] == [2, 3]
    assert [sum(row["died"]) for row in replace["generations"]] == [0, 0]  # six rows over four texts: all of them are always there
    assert section["arms"][0]["moved"]["words"]["faded"] == []


def test_a_curve_begins_at_the_origin_and_its_band_is_of_seeds_or_replicas(finished: Path, config: Config) -> None:
    frame = tables.load(results.DEFAULT)
    rows = tables.of_experiment(frame, "words", config.experiments["words"])
    loss = explorer("words", rows, config)["measures"][0]
    assert loss["name"] == "test_perplexity"
    assert loss["arms"]["replace"]["g"] == [0, 1, 2, 3]
    keep = loss["arms"]["keep"]
    assert (keep["v"][0], keep["l"][0], keep["h"][0]) == (60.498, 60.0, 61.0)  # sqrt(60 * 61)
    assert loss["band"]["g"] == [1, 2, 3]
    toy = explorer("toy", tables.of_experiment(frame, "toy", config.experiments["toy"]), config)["measures"]
    trace = next(measure for measure in toy if measure["name"] == "covariance_trace.mean")
    assert trace["arms"]["replace"]["h"][0] == pytest.approx(0.9 + 0.04)
    assert trace["arms"]["replace"]["t"][0] == pytest.approx(0.9)
    assert trace["arms"]["accumulate"]["c"][:2] == pytest.approx([0.9, 0.95])  # its control has 10, 20, … rows, and is not run
    assert "c" not in trace["arms"]["keep"]
    assert [row["control"] for row in curves.rows(trace) if row.get("regime") == "accumulate"][:2] == pytest.approx([0.9, 0.95])
    assert "histogram" not in str([measure["name"] for measure in toy])


def test_the_control_s_band_holds_one_more_generation_where_there_is_one_seed(finished: Path, config: Config) -> None:
    one_seed = Config.model_validate(
        config.model_dump() | {"experiments": {"words": config.experiments["words"].model_dump() | {"seeds": [0]}}}
    )
    value_of = {("control", g): value for g, value in enumerate((9.0, 10.0, 11.0), 1)} | {("replace", 1): 20.0}
    cells = [("words", "", regime, 0, g, name, value) for name in ("test_perplexity", "m") for (regime, g), value in value_of.items()]
    tidy = pd.DataFrame(cells, columns=list(tables.COLUMNS))
    measure, of_rows = explorer("words", tidy, one_seed)["measures"]
    half = t_quantile(0.975, 3) * 1.0 * math.sqrt(4 / 3)
    assert measure["band"]["g"] == [1, 2, 3]
    assert measure["band"]["h"] == pytest.approx([10 + half] * 3, rel=1e-4)
    assert "one more generation of the control" in measure["band"]["about"]
    assert "band" not in of_rows  # the rows of generation 1 are the origin's, and two generations are too few
    short = tidy[tidy["generation"] < 3]
    assert "band" not in explorer("words", short, one_seed)["measures"][0]


def test_the_onset_of_an_arm_is_marked_on_its_curve_with_the_level(finished: Path, config: Config) -> None:
    seeds = list(range(6))
    six = Config.model_validate(
        config.model_dump() | {"experiments": {"words": config.experiments["words"].model_dump() | {"seeds": seeds}}}
    )
    value_of = {(regime, seed, g): 10 + 0.1 * (seed + g) for regime in ("control", "replace") for seed in seeds for g in (1, 2, 3)}
    value_of |= {("replace", seed, g): 20.0 + seed for seed in seeds for g in (2, 3)}
    cells = [("words", "", regime, seed, g, "test_perplexity", value) for (regime, seed, g), value in value_of.items()]
    tidy = pd.DataFrame(cells, columns=list(tables.COLUMNS))
    (measure,) = explorer("words", tidy, six)["measures"]
    assert measure["onset"] == {"arms": {"replace": 2}, "about": "triangle: onset of collapse (6 seeds, level 1.6 %)"}
    marks = [(row["regime"], row["generation"], row["onset"]) for row in curves.rows(measure) if "onset" in row]
    assert marks == [("replace", 2, 22.435)]  # the sixth root of 20 * 21 * … * 25


def test_a_measure_of_collapse_says_on_the_page_that_no_onset_is_estimable_and_which_key_to_set(finished: Path, config: Config) -> None:
    rows = tables.of_experiment(tables.load(results.DEFAULT), "words", config.experiments["words"])
    measures = explorer("words", rows, config)["measures"]
    notes = {measure["name"]: measure["onset"]["about"] for measure in measures if "onset" in measure}
    key = "set experiments.words.seeds: [0, 1, 2, 3, 4, 5]"
    assert notes["test_perplexity"] == f"onset of collapse: not estimable with 2 seeds; {key}"
    assert not [name for name in notes if name.startswith("origin_perplexity")]


def test_a_figure_answers_a_mouse_without_another_mark(finished: Path, config: Config) -> None:
    spec = {"mark": {"type": "line", "opacity": 0.5}, "encoding": {"color": {"field": "regime"}}}
    answering = drawings.interactive(spec)
    assert answering["params"][0]["bind"] == "legend"
    assert answering["encoding"]["opacity"] == {"condition": {"param": "only", "value": 0.5}, "value": 0.06}


def test_the_graph_is_drawn_from_manifests_and_tells_what_is_real(finished: Path, config: Config) -> None:
    from heirloom.lineage.project import Project

    rows = tables.of_experiment(tables.load(results.DEFAULT), "words", config.experiments["words"])
    boxes = lineage.boxes("words", config)
    graph = lineage.context(ExperimentResults("words", config, rows), boxes, lineage.nodes(boxes, Project()))
    assert graph is not None
    assert graph["heads"] == ["real data", "generation 0", "generation 1", "generation 2", "generation 3"]
    assert [row["name"] for row in graph["rows"]] == ["origin", "replace", "keep", "control"]
    drawn = {box["name"]: box for row in graph["rows"] for cell in row["cells"] for box in cell}
    assert sorted(box["at"] for box in drawn.values()) == list(range(len(graph["facts"]))) == list(range(1 + 1 + 3 * 3 * 2))
    real, mix = drawn["words/real:train"], drawn["words/keep/0/1:train"]
    assert (real["share"], real["lines"]) == (1.0, ["24 rows, 100 % real"])
    assert mix["lines"] == ["6 rows, 10 % real"]
    assert graph["shares"]["rows"][0]["cells"][1]["real"] == "10 %"
    assert lineage.context(ExperimentResults("toy", config, rows), lineage.boxes("toy", config), {}) is None


def test_phrases_that_a_set_says_again_are_marked_and_sentences_stand_alone() -> None:
    phrases = {("which", "is", "the")}
    told = texts.marked_sentences("A cat, which is the first. Then glorp sat.\nMore", {"a", "cat", "then", "sat"}, phrases)
    assert told[0][1:6] == [["which", "ri"], " ", ["is", "ri"], " ", ["the", "ri"]]
    assert [sentence[0] for sentence in told] == ["A cat, ", "Then ", "More"]
    assert texts.whole_sentences("rest of one. A whole one. Half") == "… A whole one. Half"
    assert texts.whole_sentences("no sentence begins here") == "no sentence begins here"


def test_the_shares_of_marked_words_are_counted_over_the_whole_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_text_set("set.parquet", ["a b c d", "x a b c zzyzx y"], "sample")
    text_set = texts.read_set("set.parquet", {"a", "b", "c", "d", "x", "y"})
    # "a b c" stands twice: 6 of 10 words; one is invented; d, x and the second y may be cut, so b, c, a and zzyzx are whole
    assert text_set.statistics == {"r": 0.6, "i": 0.1, "words": 4}
    assert text_set.shares["r"] == {0: 0.75, 1: 0.5}


def test_versions_are_told_once_and_two_machines_as_two() -> None:
    environment = making.environment([{"python": "3", "libraries": {"numpy": "2"}}, {"python": "4", "instruction_set": ["A", "B"]}, {}])
    assert environment == [("instruction set", "A B"), ("numpy", "2"), ("python", "3, 4")]


def test_mathematics_has_a_true_minus_and_raised_powers_and_names_keep_their_hyphens() -> None:
    words = answer.mathematics("(1 - 1/n)^t, n - 1, -2.02, x^2; tail_survival.17-64(keep) - tail_survival.17-64(control), divisor n-1")
    minus = "\N{MINUS SIGN}"
    assert words == (
        f"(1 {minus} 1/n)ᵗ, n {minus} 1, {minus}2.02, x²; tail_survival.17-64(keep) {minus} tail_survival.17-64(control), divisor n-1"
    )


def test_no_character_of_the_data_can_end_a_script_block() -> None:
    hostile = "</script><!-- & \u2028"
    text = str(build.script_json({"text": hostile}))
    assert not re.search("[<>&]", text)
    assert json.loads(text) == {"text": hostile}


def test_the_page_stands_alone_and_says_what_was_not_run(written: Path) -> None:
    page = Path(results.DEFAULT.page).read_text(encoding="utf-8")
    assert len(page) < 10_000_000
    assert "<script>window.hacked" not in page
    assert not re.findall(r'(?:src|href)="(?!#|figures/)[^"]*"', page.split('<script type="module">')[0])
    assert page.count("comes nearest; it lacks") > 5
    table = Path(results.DEFAULT.claims).read_text()
    assert table.startswith("claim,verdict,experiment")


def test_of_many_experiments_the_page_shows_the_one_that_it_opens_with_and_the_first_others() -> None:
    names = [f"e{number}" for number in range(100)]
    assert build.shown(names, "e99") == [*names[:59], "e99"]
    assert build.shown(names, "e0") == names[:60]
    assert build.shown(names[:3], "e1") == names[:3]


def test_the_page_says_how_many_experiments_it_leaves_out(finished: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = tables.load(config.results)
    assert build.context(frame, config, Path("config.yaml"), [])["left_out"] == 0
    monkeypatch.setattr(build, "PAGE_EXPERIMENTS", 1)
    context = build.context(frame, config, Path("config.yaml"), [])
    number = len(config.experiments)
    assert (len(context["experiments"]), context["left_out"]) == (1, number - 1)
    assert f"The page shows 1 of {number} experiments." in build.html(context)
    assert build.context(frame, config, Path("config.yaml"), [], full=True)["left_out"] == 0


def test_the_page_says_what_a_word_is_where_words_are_counted_and_where_texts_are_shown(written: Path) -> None:
    page = Path(results.DEFAULT.page).read_text(encoding="utf-8")
    sections = {name: page.split(f'<section id="{name}"')[1].split("</section>")[0] for name in ("lost", "texts", "making")}
    assert {name: DEFINITION in section for name, section in sections.items()} == {"lost": True, "texts": True, "making": False}


def test_the_page_says_that_intervals_of_text_are_conditional_on_one_corpus_and_names_the_experiments(written: Path) -> None:
    answer = Path(results.DEFAULT.page).read_text(encoding="utf-8").split('<section id="answer"')[1].split("</section>")[0]
    sentence = "Intervals of words are conditional on this corpus and split: all seeds of an experiment share its real rows."
    assert sentence in answer


def test_a_template_or_claim_that_changes_changes_the_look() -> None:
    assert re.fullmatch("[0-9a-f]{16}", build.look())


def refusal(config: Config) -> str:
    with pytest.raises(HeirloomError) as error:
        build.write(config, Path("config.yaml"))
    assert "\n" not in str(error.value)
    assert not Path(results.DEFAULT.page).exists()
    return str(error.value)


def test_without_a_run_or_with_half_of_one_there_is_one_line_and_no_page(finished: Path, config: Config) -> None:
    table = tables.load(results.DEFAULT)
    is_missing = (table["regime"] == "keep") & (table["experiment"] == "words") & (table["seed"] == 1)
    table[~is_missing].to_parquet(results.DEFAULT.metrics)
    digests.seal(results.DEFAULT.metrics)
    assert refusal(config) == "results/metrics.parquet: no last generation of words/keep/1, which the config has; run snakemake"
    table[~is_missing & ((table["experiment"] != "toy") | (table["generation"] < 6))].to_parquet(results.DEFAULT.metrics)
    digests.seal(results.DEFAULT.metrics)
    assert "no last generation of toy/replace/0 and 4 other lineages, which the config has" in refusal(config)
    Path(results.DEFAULT.metrics).unlink()
    assert refusal(config) == "results/metrics.parquet: missing; run snakemake"


def test_a_damaged_table_or_dataset_is_named_in_one_line(finished: Path, config: Config) -> None:
    texts_of = Path(kinds.SYNTHETIC.path("words", "replace", 0, 2))
    content = texts_of.read_bytes()
    texts_of.write_bytes(content[:200])
    assert re.match(f"{texts_of}: not the bytes that {paths.fingerprint(texts_of)} records; ", refusal(config))
    texts_of.write_bytes(content)
    content_start = Path(results.DEFAULT.metrics).read_bytes()[:-20]
    Path(results.DEFAULT.metrics).write_bytes(content_start)
    assert refusal(config) == (
        "results/metrics.parquet: not the bytes that results/metrics.fingerprint.json records; heirloom summarise writes it again"
    )
    digests.seal(results.DEFAULT.metrics)
    assert re.match("results/metrics.parquet: damaged, or no table of measures .*; run snakemake$", refusal(config))
    pd.DataFrame({"value": [1.0]}).to_parquet(results.DEFAULT.metrics)
    digests.seal(results.DEFAULT.metrics)
    assert re.match("results/metrics.parquet: damaged, or no table of measures .*; run snakemake$", refusal(config))


def test_a_clone_without_its_data_has_a_page_without_rows_that_another_run_can_be_laid_beside(finished: Path, config: Config) -> None:
    shutil.rmtree("data")
    build.write(config, Path("config.yaml"), against="results")
    page = Path(results.DEFAULT.page).read_text(encoding="utf-8")
    other = json.loads(page.split('<script type="application/json" id="other-run">')[1].split("</script>")[0])
    assert (other["name"], sorted(other["experiments"])) == ("results", sorted(config.experiments))
    assert "This run keeps no rows" in page
    assert "words/replace" not in page.split('<script type="module">')[0]


def test_kept_rows_that_are_numbers_are_not_said_to_be_missing(finished: Path, config: Config) -> None:
    assert kept_rows.is_here("words", config.experiments["words"])
    assert not kept_rows.is_here("toy", config.experiments["toy"])
    template = build.environment().get_template("texts.html.j2")
    pages = [template.render(experiments=[{"keeps_rows": keeps}]) for keeps in (True, False)]
    assert ["keeps no rows" in page for page in pages] == [False, True]
    assert "numbers and tables are not shown side by side" in pages[0]
