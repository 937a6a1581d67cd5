"""Pairs through the steps: real rows, completions by shards and after a kill, selection, measures, and what a config may ask."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import heirloom
import small_lineages
from by_hand import slice_of
from heirloom import config as configuration
from heirloom import preflight
from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.export import card
from heirloom.export.subject import describe
from heirloom.judges.bench import JudgeModel, Witnesses
from heirloom.lineage import project, render_row, trace_row
from heirloom.report.page import texts
from heirloom.sources import counts
from heirloom.steps import evaluate, sample, select

WORDS = ("mill", "river", "castle", "garden", "winter", "harbour", "teacher", "letter", "forest", "market")
LIMITS = {"max_prompt_tokens": 24, "max_completion_tokens": 16}
NGRAM = {"name": "ngram", "training": {"order": 3}}
REGIMES: dict[str, Any] = {
    "replace": {},
    "keep": {"original": {"share": 0.5}},
    "select": {"select": {"by": "likelihood", "share": 0.5}, "multiple": 2.0},
    "best": {"select": {"by": "likelihood", "best_of": 2}},
    "edit": {"edit": {"above": 0.5}},
}
KEY = ("text", "replace", 0)
ROW = 8


def write_pairs(path: Path, rows: int = 80) -> None:
    """Write questions whose answers are from one word to eight long."""
    lines = []
    for number in range(rows):
        word, length = WORDS[number % 10], 1 + number % 8
        answer = " ".join(WORDS[(number + place) % 10] for place in range(length))
        lines.append(json.dumps({"prompt": f"The {word} of {number}?", "completion": answer}))
    path.write_text("\n".join(lines), encoding="utf-8")


def declared(
    family: dict[str, Any] = NGRAM,
    text: dict[str, Any] | None = None,
    regimes: tuple[str, ...] = ("replace",),
    source: dict[str, Any] | None = None,
    **more: Any,
) -> Config:
    rows = {"vocab_size": 300, **(text or {"rows": "pairs", "pairs": LIMITS}), "split": {"train": 0.8, "valid": 0.1, "test": 0.1}}
    experiment = {
        "family": family,
        "source": {"name": "files", "paths": ["pairs.jsonl"], **(source or {}), "text": rows},
        "regimes": list(regimes),
        "generations": 2,
        "rows": 40,
        "chunk_rows": 3,
        **more,
    }
    return configuration.parse({"regimes": REGIMES, "experiments": {"text": experiment}})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two generations of pairs."""
    folder = tmp_path_factory.mktemp("pairs")
    with contextlib.chdir(folder):
        write_pairs(Path("pairs.jsonl"))
        small_lineages.make_text(declared(), ("replace",))
    return folder


@pytest.fixture
def lineage(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A working folder with a copy of them."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return declared()


def inputs_of(generation: int) -> dict[str, str]:
    return {
        "checkpoint": kinds.CHECKPOINT.path(*KEY, generation - 1),
        "train": kinds.TRAIN.path(*KEY, generation - 1),
        "prompts": kinds.TRAIN.path(*KEY, 0),
        "tokenizer": kinds.TOKENIZER.path("text"),
        "judge": "",
    }


def test_real_rows_have_their_text_their_end_and_their_document(lineage: Config) -> None:
    rows = Dataset.open(kinds.REAL_TRAIN.path("text")).table().to_pylist()
    for row in rows:
        assert row["prompt_text"].startswith("The ")
        assert row["tokens"][-1] == 0
        assert (row["stopped"], row["kind"], row["parent"]) == (True, "real", None)
    source = {(row["prompt"], row["completion"]) for row in map(json.loads, Path("pairs.jsonl").read_text().splitlines())}
    assert {(row["prompt_text"], row["text"]) for row in rows} <= source
    counted = manifest.read(paths.manifest(kinds.REAL_TRAIN.path("text")))["counts"]
    sizes = [Dataset.open(kind.path("text")).num_rows for kind in (kinds.REAL_TRAIN, kinds.REAL_VALID, kinds.REAL_TEST)]
    assert (counted["pairs_read"], counted["pairs_dropped"]) == (80, 80 - sum(sizes))
    assert counts.sentence({"counts": counted}).endswith("80 pairs, longer than the limits: 8 completions (8 dropped)")


def test_written_rows_carry_the_prompt_of_an_original_row(lineage: Config) -> None:
    original = {row["row"]: row for row in Dataset.open(kinds.TRAIN.path(*KEY, 0)).table().to_pylist()}
    for generation in (1, 2):
        written = Dataset.open(kinds.SYNTHETIC.path(*KEY, generation)).table().to_pylist()
        assert [row["row"] for row in written] == list(range(40))
        for row in written:
            prompt = original[row["parent"]]
            assert (row["prompt"], row["prompt_text"]) == (prompt["prompt"], prompt["prompt_text"])
            assert row["stopped"] == (row["tokens"][-1] == 0)
            assert row["stopped"] or len(row["tokens"]) == LIMITS["max_completion_tokens"]
            assert (row["born"], row["depth_max"]) == (generation, generation)
    assert {row["stopped"] for row in written} == {True, False}


def test_edited_rows_are_original_ones_with_other_words_and_shards_make_the_same(lineage: Config) -> None:
    step = slice_of("sample", declared(regimes=("edit",)), "text", "edit", 0, 1)
    written = {"synthetic": kinds.SYNTHETIC.path("text", "edit", 0, 1)}
    Path(written["synthetic"]).parent.mkdir(parents=True)
    inputs = inputs_of(1) | {"judge": kinds.CHECKPOINT.path(*KEY, 0)}
    sample.run(step, inputs, written)
    whole = Path(written["synthetic"]).read_bytes()
    original = {row["row"]: row for row in Dataset.open(kinds.TRAIN.path(*KEY, 0)).table().to_pylist()}
    num_changed = 0
    for row in Dataset.open(written["synthetic"]).table().to_pylist():
        source = original[row["parent"]]
        assert (row["kind"], row["born"], row["stopped"]) == ("synthetic", 1, source["stopped"])
        assert (row["prompt"], len(row["tokens"]), row["tokens"][-1]) == (source["prompt"], len(source["tokens"]), source["tokens"][-1])
        num_changed += row["tokens"] != source["tokens"]
    assert num_changed > 0
    assert f"edits text/origin/0/0, row {row['parent']}" in render_row.outline(trace_row.trace_row("text/edit/0/1#39"))
    Path(written["synthetic"]).unlink()
    for shard in (1, 0, 2):
        sample.run(step, inputs, written, (shard, 3))
    sample.run(step, inputs, written)
    assert Path(written["synthetic"]).read_bytes() == whole


@pytest.mark.parametrize("shards", [2, 7])
def test_shards_make_the_bytes_of_one_job(lineage: Config, shards: int) -> None:
    step, again = slice_of("sample", lineage, *KEY, 2), {"synthetic": "again/synthetic.parquet"}
    Path("again").mkdir()
    for shard in reversed(range(shards)):
        sample.run(step, inputs_of(2), again, (shard, shards))
    sample.run(step, inputs_of(2), again)
    assert Path(again["synthetic"]).read_bytes() == Path(kinds.SYNTHETIC.path(*KEY, 2)).read_bytes()


def test_a_job_goes_on_from_the_chunks_that_one_before_it_has_left(lineage: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from heirloom.families import ngram

    step, again = slice_of("sample", lineage, *KEY, 2), {"synthetic": "again/synthetic.parquet"}
    Path("again").mkdir()
    sample.run(step, inputs_of(2), again, (0, 2))
    asked: list[int] = []
    complete = ngram.complete

    def counting(model: Any, prompts: Any, *rest: Any) -> Any:
        chunks = list(prompts)
        asked.extend(len(chunk.rows) for chunk in chunks)
        return complete(model, chunks, *rest)

    monkeypatch.setattr(ngram, "complete", counting)
    sample.run(step, inputs_of(2), again)
    assert sum(asked) == 21  # seven chunks of three rows of the second half, and none of the first
    assert Path(again["synthetic"]).read_bytes() == Path(kinds.SYNTHETIC.path(*KEY, 2)).read_bytes()


def measured(config: Config, generation: int) -> dict[str, float]:
    given = {
        "checkpoint": kinds.CHECKPOINT.path(*KEY, generation),
        "train": kinds.TRAIN.path(*KEY, generation),
        "synthetic": kinds.SYNTHETIC.path(*KEY, generation) if generation else "",
        "held_out": kinds.REAL_TEST.path("text"),
        "original": kinds.TRAIN.path(*KEY, 0),
        "origin": kinds.CHECKPOINT.path(*KEY, 0),
        "tokenizer": kinds.TOKENIZER.path("text"),
    }
    evaluate.run(slice_of("evaluate", config, *KEY, generation), given, {"metrics": "metrics.json"})
    return dict(read_json("metrics.json"))


def test_a_generation_is_measured_on_its_answers_and_its_tokens(lineage: Config) -> None:
    origin, last = measured(lineage, 0), measured(lineage, 2)
    rows = Dataset.open(kinds.SYNTHETIC.path(*KEY, 2)).table().to_pylist()
    assert last["stop_rate"] == sum(row["stopped"] for row in rows) / 40
    assert last["completion_tokens.mean"] == sum(len(row["tokens"]) for row in rows) / 40
    assert last["ancestry.completion_tokens"] == sum(len(row["tokens"]) for row in rows)
    assert last["ancestry.real_token_share"] == 0.0
    assert {"exact_match", "token_f1", "rouge_l"} <= last.keys()
    assert not {"exact_match", "token_f1", "rouge_l"} & origin.keys()
    names = {"test_exact_match", "test_token_f1", "test_rouge_l", "test_stop_rate", "test_completion_tokens.mean", "chance_token_f1"}
    assert names <= origin.keys() & last.keys()
    assert origin["stop_rate"] == origin["ancestry.real_row_share"] == 1.0


def test_a_judge_ranks_completions_given_their_prompts(lineage: Config) -> None:
    from heirloom.families import ngram

    step = slice_of("select", declared(regimes=("select",), rows=20, origin_rows=40), "text", "select", 0, 1)
    synthetic, origin = Dataset.open(kinds.SYNTHETIC.path(*KEY, 1)), ngram.load(Path(kinds.CHECKPOINT.path(*KEY, 0)))
    selected, _ = select.select(step, synthetic, Witnesses(JudgeModel(step.family, origin), None, {}, None, step.chunk_rows), 1)
    score = ngram.log_likelihoods(origin, synthetic, 3)[0]
    kept = set(selected.table(["row"])["row"].to_pylist())
    assert len(kept) == 20
    assert min(score[row] for row in kept) >= max(score[row] for row in range(40) if row not in kept)


def test_each_prompt_is_completed_k_times_and_the_likeliest_completion_is_kept(lineage: Config) -> None:
    from heirloom.families import ngram

    config = declared(regimes=("best",))
    Path("best").mkdir()
    sample.run(slice_of("sample", config, "text", "best", 0, 1), inputs_of(1), {"synthetic": "best/synthetic.parquet"})
    synthetic = Dataset.open("best/synthetic.parquet")
    parents = synthetic.table(["parent"])["parent"].to_pylist()
    assert (len(parents), parents[:40]) == (80, parents[40:])
    assert len(set(parents)) == 40
    inputs = {"synthetic": "best/synthetic.parquet", "origin": kinds.CHECKPOINT.path(*KEY, 0)}
    select.run(slice_of("select", config, "text", "best", 0, 1), inputs, {"selected": "best/selected.parquet"})
    kept = Dataset.open("best/selected.parquet").table(["row"])["row"].to_pylist()
    score = ngram.log_likelihoods(ngram.load(Path(inputs["origin"])), synthetic, 3)[0]
    assert sorted(row % 40 for row in kept) == list(range(40))
    assert all(score[row] >= score[(row + 40) % 80] for row in kept)
    assert manifest.read(paths.manifest("best/selected.parquet"))["judges"] == [
        {"judge": "log-likelihood under the origin's model: the highest of 2 candidates for each row", "given": 80, "kept": 40}
    ]


def test_a_row_is_traced_with_its_prompt_and_its_completion(lineage: Config) -> None:
    text = render_row.outline(trace_row.trace_row(f"text/replace/0/1#{ROW}"))
    row = Dataset.open(kinds.SYNTHETIC.path(*KEY, 1)).table().to_pylist()[ROW]
    assert f"prompt “{row['prompt_text']}”" in text
    assert f"completion “{row['text']}”" in text.replace("\n        ", " ")
    assert f"completes the prompt of text/origin/0/0, row {row['parent']}" in text
    assert "(document" in text


def test_the_page_shows_prompt_answer_and_what_models_answered(lineage: Config) -> None:
    shown = texts.context("text", lineage.experiments["text"])
    assert shown is not None
    first = shown["prompts"][0]
    assert first["prompt"].startswith("The ")
    (real,) = [row for row in Dataset.open(kinds.REAL_TRAIN.path("text")).table().to_pylist() if row["row"] == first["row"]]
    assert "".join(piece if isinstance(piece, str) else piece[0] for piece in first["real"]) == real["text"]


def test_the_card_names_the_columns_of_pairs_and_their_counts(lineage: Config) -> None:
    subject = describe(project.locate("text/replace/0/1:synthetic"), Path("config.yaml"))
    text = str(card.dataset(subject, Path(kinds.SYNTHETIC.path(*KEY, 1)), "train", "data/train.parquet"))
    assert "`prompt` and `prompt_text` (what is given)" in text
    assert "80 pairs, longer than the limits: 8 completions (8 dropped)" in text


def test_a_diff_tells_rows_by_prompt_and_completion_and_shows_both(lineage: Config) -> None:
    a, b = (Dataset.open(kinds.SYNTHETIC.path(*KEY, number)).table().to_pylist() for number in (1, 2))
    told = heirloom.diff("text/replace/0/1", "text/replace/0/2").rows
    assert told is not None
    same = sum(one["tokens"] == other["tokens"] for one, other in zip(a, b, strict=True))
    assert (told.kept, told.edited + told.rewritten, told.removed, told.added) == (same, 40 - same, 0, 0)
    assert all(" ⇒ " in "".join(piece.text for piece in pair.a) for pair in told.rewritten_examples)


TRANSFORMER = {"name": "transformer"}


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"family": {**NGRAM, "sampling": {"prompts": "none"}}}, "sampling.prompts is 'none'"),
        (
            {"family": {**TRANSFORMER, "sampling": {"endpoint": {"engine": "any", "url": "http://127.0.0.1:9/v1"}}}, "regimes": ("edit",)},
            "'edit' edits rows, which no server does: leave out family.sampling.endpoint",
        ),
        ({"divergence_rows": 10, "family": TRANSFORMER}, "divergence_rows is 10; MAUVE compares blocks alone"),
        ({"text": {"rows": "pairs", "row_tokens": 32}}, "row_tokens is for `rows: blocks`"),
        ({"text": {"rows": "blocks", "pairs": {}}}, "pairs is given, but rows is `blocks`"),
        ({"text": {"rows": "pairs", "pairs": {"messages": "chat"}}}, "pairs.messages needs a pretrained model's chat template"),
        ({"text": {"rows": "pairs", "pairs": {"messages": "chat", "prompt": "q"}}}, "give either `messages`, or the columns"),
        ({"text": {"rows": "pairs", "pairs": {"prompt": "q", "completion": "q"}}}, "prompt and completion are the same column, 'q'"),
        ({"text": {"rows": "pairs", "pairs": {"turns": "last"}}}, "turns is for messages"),
        ({"text": {"row_tokens": 8, "prompt_tokens": 9}}, "prompt_tokens is 9; an original block has 8 (row_tokens)"),
        ({"text": {"row_tokens": 8, "new_tokens": 9}, "regimes": ("keep",)}, "must be equally long, but source.text.new_tokens is 9"),
        ({"text": {"row_tokens": 8, "prompt_tokens": 4}, "regimes": ("edit",)}, "'edit' edits whole original rows"),
        (
            {"family": {**TRANSFORMER, "sampling": {"beams": 2, "endpoint": {"engine": "any", "url": "http://127.0.0.1:9/v1"}}}},
            "family.sampling.beams is 2; a server draws",
        ),
        (
            {"family": {**NGRAM, "sampling": {"new_tokens": 4}}, "text": {"row_tokens": 8}},
            "is set from source.text.new_tokens: give it there",
        ),
    ],
)
def test_what_does_not_go_with_pairs_or_lengths_is_one_line_before_any_job(asked: dict[str, Any], fault: str) -> None:
    with pytest.raises(HeirloomError) as error:
        declared(**asked)
    assert fault in error.value.lines[0]
    assert len(error.value.lines) == 1


def test_every_pair_of_a_small_source_is_looked_at_before_any_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_pairs(Path("pairs.jsonl"))
    preflight.thorough(declared())
    with Path("pairs.jsonl").open("a") as lines:
        lines.write('\n{"prompt": "Why?", "completion": " "}')
    with pytest.raises(
        HeirloomError, match=r"experiments\.text: source\.text\.pairs\.completion: pairs\.jsonl:81: a pair without completion"
    ):
        preflight.thorough(declared())


def test_a_source_whose_pairs_are_all_too_long_is_refused_before_any_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_pairs(Path("pairs.jsonl"))
    with pytest.raises(HeirloomError, match=r"experiments\.text: source\.text\.pairs: all 80 pairs are dropped"):
        preflight.thorough(declared(text={"rows": "pairs", "pairs": {"max_prompt_tokens": 1}}))


@pytest.mark.parametrize(
    ("lengths", "width"), [({"prompt_tokens": 3}, 8), ({"new_tokens": 20}, 20), ({"prompt_tokens": 3, "new_tokens": 5}, 5)]
)
def test_blocks_are_continued_from_as_many_tokens_and_by_as_many_as_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lengths: dict[str, int], width: int
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pairs(Path("pairs.jsonl"))
    source = {"name": "files", "paths": ["pairs.jsonl"], "text_column": "prompt"}
    whole, asked = (declared(text={"row_tokens": 8, **tokens}, rows=10, source=source) for tokens in ({}, lengths))
    small_lineages.make_origin(asked, "text")
    sample.run(slice_of("sample", asked, *KEY, 1), inputs_of(1), {"synthetic": "asked.parquet"})
    tokens = Dataset.open("asked.parquet").head("tokens", 10)
    assert tokens.shape == (10, width)
    plain, chosen = (slice_of("sample", config, *KEY, 1).json_fields() for config in (whole, asked))
    assert chosen.keys() - plain.keys() <= {"prompt_tokens", "new_tokens"}
    assert slice_of("real", whole, "text").json_fields() == slice_of("real", asked, "text").json_fields()
