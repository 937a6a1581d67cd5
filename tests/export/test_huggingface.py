"""Folders for the hub, opened by Hugging Face's own libraries, without a network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import DatasetCard, ModelCard

from heirloom.artefacts import paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.artefacts.manifest import Input, inputs, seal
from heirloom.data import tokenization
from heirloom.errors import HeirloomError
from heirloom.export.huggingface import export
from heirloom.families import family
from helpers import run_in

CONFIG = Path("config.yaml")
OUT = Path("out")
pytestmark = pytest.mark.usefixtures("project")


def card() -> tuple[dict[str, Any], str]:
    """Return the front matter and the text of the card."""
    _, front, text = (OUT / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(front), text


def test_a_dataset_opens_with_load_dataset_and_has_the_rows_of_the_original(tmp_path: Path) -> None:
    from datasets import load_dataset

    assert export("lm/keep/0/1:train", OUT, CONFIG) == "lm/keep/0/1:train"
    rows = load_dataset(str(OUT), cache_dir=str(tmp_path / "cache"))
    original = pq.read_table("data/lm/keep/seed=0/gen=1/train.parquet")
    assert list(rows) == ["train"]
    assert rows["train"].to_list() == original.to_pylist()
    assert fingerprint(OUT / "data/train.parquet") == read_json(OUT / "provenance/train.fingerprint.json")


def test_a_held_out_set_is_the_split_of_its_name_and_its_card_says_that_it_is_real(tmp_path: Path) -> None:
    from datasets import load_dataset

    export("lm/real:valid", OUT, CONFIG)
    assert list(load_dataset(str(OUT), cache_dir=str(tmp_path / "cache"))) == ["validation"]
    front, text = card()
    assert front["tags"] == ["heirloom", "model-collapse"]
    assert "Every row is real" in text
    assert "Synthetic" not in text


def test_a_transformer_opens_with_the_auto_classes_and_they_agree_with_heirloom() -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    export("lm/keep/0/1:checkpoint", OUT, CONFIG)
    tokenizer = AutoTokenizer.from_pretrained(OUT)
    model = AutoModelForCausalLM.from_pretrained(OUT)
    project_tokenizer = tokenization.from_json(Path("data/lm/real/tokenizer.json").read_text())
    text = "The river of chapter 3 — naïve, “quoted”\n\tand 🦆."
    ids = project_tokenizer.encode(text).ids
    assert tokenizer(text)["input_ids"] == ids
    assert tokenizer.decode(ids) == text
    assert (tokenizer.eos_token_id, tokenizer.model_max_length) == (tokenization.END_OF_DOCUMENT_ID, 8)
    expected = family("transformer").load(Path("data/lm/keep/seed=0/gen=1/checkpoint")).weights
    state = model.state_dict()
    assert all(torch.equal(state[name], weight) for name, weight in expected.items())
    assert model.generate(torch.tensor([ids[:3]]), max_new_tokens=2, do_sample=False).shape == (1, 5)


def test_the_python_in_a_card_of_another_family_loads_the_model() -> None:
    export("bell/keep/0/1:checkpoint", OUT, CONFIG)
    front, text = card()
    python = text.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {"folder": str(OUT)}
    exec(python, names)  # noqa: S102  it is ours
    expected = family("gaussian").load(Path("data/bell/keep/seed=0/gen=1/checkpoint"))
    assert vars(names["model"]).keys() == vars(expected).keys()
    assert front["library_name"] == "heirloom"
    assert not (OUT / "tokenizer.json").exists()


def test_a_card_tells_what_is_synthetic_and_where_it_came_from() -> None:
    export("lm/keep/0/1:train", OUT, CONFIG)
    front, text = card()
    sha256 = read_json("data/lm/keep/seed=0/gen=1/train.fingerprint.json")["sha256"]
    parent = read_json("data/lm/keep/seed=0/gen=1/synthetic.fingerprint.json")["sha256"]
    assert front["license"] == "cc-by-4.0"
    assert "synthetic" in front["tags"]
    for sentence in (
        "**Synthetic.** 15 of 20 rows (75.0 %) were written by language models",
        "Do not take them for human text",
        f"| fingerprint (sha256) | `{sha256}` |",
        "| generation | 1 |",
        "| depth (models since a human) | 0.75 on average, 1 at most |",
        "`depth` and `depth_max` (models since a human, mean and largest)",
        f"| made from: synthetic | `lm/keep/0/1` `{parent}` |",
        "Under the regime `keep` a generation trains on original real rows, 0.25 of the row budget, redrawn in each generation; and on the",
        "\nheirloom run data/lm/keep/seed=0/gen=1/train.parquet\n",
        "The licence of the real data is cc-by-4.0, as the config states.",
    ):
        assert sentence in text, sentence


def test_the_hubs_classes_read_a_card_back_with_equal_data_and_write_it_again_with_equal_bytes() -> None:
    export("lm/keep/0/1:train", OUT, CONFIG)
    dataset_card = DatasetCard.load(OUT / "README.md")
    assert dataset_card.data.to_dict() == {
        "pretty_name": "Heirloom lm/keep/0/1:train",
        "license": "cc-by-4.0",
        "tags": ["heirloom", "model-collapse", "synthetic"],
        "task_categories": ["text-generation"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train.parquet"}]}],
    }
    assert str(dataset_card).encode() == (OUT / "README.md").read_bytes()
    shutil.rmtree(OUT)
    export("lm/keep/0/1:checkpoint", OUT, CONFIG)
    model_card = ModelCard.load(OUT / "README.md")
    front = model_card.data.to_dict()
    assert [front.pop("model-index")[0]["name"], front] == [
        "Heirloom lm/keep/0/1:checkpoint",
        {
            "license": "cc-by-4.0",
            "tags": ["heirloom", "model-collapse", "synthetic"],
            "library_name": "transformers",
            "pipeline_tag": "text-generation",
        },
    ]
    assert str(model_card).encode() == (OUT / "README.md").read_bytes()


def test_a_lineage_is_one_folder_with_a_configuration_per_generation(tmp_path: Path) -> None:
    from datasets import get_dataset_config_names, load_dataset

    assert export("lm/keep/0", OUT, CONFIG) == "lm/keep/0"
    cache = str(tmp_path / "cache")
    assert get_dataset_config_names(str(OUT)) == ["gen_0", "gen_1", "gen_1_training"]
    paths_of = {
        "gen_0": "data/lm/origin/seed=0/gen=0/train.parquet",
        "gen_1": "data/lm/keep/seed=0/gen=1/synthetic.parquet",
        "gen_1_training": "data/lm/keep/seed=0/gen=1/train.parquet",
    }
    for name, path in paths_of.items():
        original = pq.read_table(path).to_pylist()
        assert load_dataset(str(OUT), name, split="train", cache_dir=cache).to_list() == original
        assert list(load_dataset(str(OUT), name, split="train", streaming=True)) == original
    assert load_dataset(str(OUT), split="train", cache_dir=cache).to_list() == pq.read_table(paths_of["gen_1"]).to_pylist()
    dataset_card = DatasetCard.load(OUT / "README.md")
    assert [one["config_name"] for one in dataset_card.data.to_dict()["configs"]] == [*paths_of]
    assert str(dataset_card).encode() == (OUT / "README.md").read_bytes()
    assert "35 of 60 rows (58.3 %) were written by language models" in card()[1]


def test_a_models_card_links_what_it_began_from_and_what_it_was_trained_on() -> None:
    export("lm/keep/0/1:checkpoint", OUT, CONFIG, namespace="me")
    data = ModelCard.load(OUT / "README.md").data
    assert data.base_model == "me/lm-origin-0-0-checkpoint"
    assert data.get("base_model_relation") == "finetune"
    assert data.datasets == ["me/lm-keep-0-1-train"]


def test_a_pretrained_base_and_a_data_set_of_a_hub_are_linked_by_their_ids() -> None:
    commit, sha256 = "a" * 40, "b" * 64
    pretrained = shutil.copytree("data/lm/origin/seed=0/gen=0/checkpoint", "data/lm/real/pretrained")
    model_file = Input("model_file", f"me/base@{commit}/model.safetensors", sha256)
    seal([pretrained], {"slice": {"step": "pretrained"}, "inputs": [model_file]})
    checkpoint = "data/lm/origin/seed=0/gen=0/checkpoint"
    written = read_json(paths.manifest(checkpoint))
    start = Input("start", str(pretrained), fingerprint(Path(pretrained))["sha256"])
    seal([checkpoint], {**written, "inputs": [*inputs(written), start]})
    real = Path("data/lm/real/train.parquet")
    written = read_json(paths.manifest(real))
    seal([real], {**written, "inputs": [Input("source", f"you/corpus@{commit}/train.parquet", sha256)]})
    export("lm/keep/0/0:checkpoint", OUT, CONFIG)
    data = ModelCard.load(OUT / "README.md").data
    assert (data.base_model, data.get("base_model_relation"), data.datasets) == ("me/base", "finetune", ["you/corpus"])


def test_a_models_measure_is_read_back_as_a_number_with_its_interval_over_seeds() -> None:
    Path("results").mkdir()
    columns = ["experiment", "variant", "regime", "generation", "metric", "seeds", "low", "high", "estimand"]
    rows = ["lm,,keep,1,test_perplexity,3,210.5,240.25,geometric mean", "lm,,keep,0,test_perplexity,3,1,2,geometric mean"]
    Path("results/intervals.csv").write_text("\n".join([",".join(columns), *rows]) + "\n")
    export("lm/keep/0/1:checkpoint", OUT, CONFIG)
    (score,) = ModelCard.load(OUT / "README.md").data.eval_results or []
    measured = read_json("data/lm/keep/seed=0/gen=1/metrics.json")["test_perplexity"]
    assert (score.metric_name, score.metric_value, score.dataset_type) == ("test_perplexity", measured, "lm-real-test")
    assert score.metric_args == {"level": 0.95, "low": 210.5, "high": 240.25, "seeds": 3, "estimand": "geometric mean"}


def test_a_checkpoints_card_counts_what_it_was_trained_on() -> None:
    export("lm/keep/0/1:checkpoint", OUT, CONFIG)
    assert "**Learnt from models' output**: 15 of 20 rows (75.0 %) of its training set" in card()[1]


def test_a_model_that_saw_real_rows_only_is_not_marked_as_synthetic() -> None:
    export("lm/keep/0/0:checkpoint", OUT, CONFIG)
    front, text = card()
    assert front["tags"] == ["heirloom", "model-collapse"]
    assert "> Trained on real rows only" in text
    assert "Under the regime" not in text


def test_the_licence_is_read_from_the_config_as_it_is_now() -> None:
    Path("config.yaml").write_text(CONFIG.read_text().replace("cc-by-4.0", '"mine | <b>`x`</b>"'))
    export("lm/keep/0/1", OUT, CONFIG)
    front, text = card()
    assert front["license"] == "mine | <b>`x`</b>"
    assert "The licence of the real data is mine \\| \\<b\\>`x`\\</b\\>, as the config states." in text


def test_without_a_config_the_licence_of_a_users_text_is_unknown() -> None:
    export("lm/keep/0/1", OUT, Path("none.yaml"))
    front, text = card()
    assert front["license"] == "unknown"
    assert "Nobody has stated the licence" in text


def test_what_a_judge_let_pass_is_a_dataset_too(project: Path) -> None:
    generation = Path("data/lm/keep/seed=0/gen=1")
    selected = shutil.copy(generation / "synthetic.parquet", generation / "selected.parquet")
    written = read_json(paths.manifest(generation / "synthetic.parquet"))
    seal([selected], {**written, "inputs": inputs(written)})
    assert export("lm/keep/0/1:selected", OUT, CONFIG) == "lm/keep/0/1:selected"
    assert (OUT / "data/train.parquet").read_bytes() == (generation / "synthetic.parquet").read_bytes()


def test_an_adapter_is_refused_in_a_line() -> None:
    checkpoint = Path("data/lm/keep/seed=0/gen=1/checkpoint")
    (checkpoint / "adapter_config.json").write_text("{}")
    written = read_json(paths.manifest(checkpoint))
    seal([checkpoint], {**written, "inputs": inputs(written)})
    with pytest.raises(
        HeirloomError, match=r"^lm/keep/0/1:checkpoint: an adapter, .* train with lora.checkpoint: merged to export a model$"
    ):
        export("lm/keep/0/1:checkpoint", OUT, CONFIG)
    assert not OUT.exists()


@pytest.mark.parametrize("reference", ["lm/keep/0/1:metrics", "lm/real:tokenizer", "lm/real:documents"])
def test_what_is_neither_rows_nor_a_model_is_refused(reference: str) -> None:
    with pytest.raises(HeirloomError, match="export hf takes a dataset"):
        export(reference, OUT, CONFIG)
    with pytest.raises(HeirloomError, match=r"^config\.yaml: no artefact; those lie under data/$"):
        export("config.yaml", OUT, CONFIG)


def test_a_folder_in_use_is_refused_and_kept() -> None:
    OUT.mkdir()
    (OUT / "mine.txt").write_text("mine")
    with pytest.raises(HeirloomError, match=r"^out: already there and not empty; name a new folder, or remove it first$"):
        export("lm/keep/0/1", OUT, CONFIG)
    assert [file.name for file in OUT.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled() -> None:
    OUT.mkdir()
    export("lm/keep/0/1", OUT, CONFIG)
    assert (OUT / "README.md").exists()


def test_bytes_that_are_not_the_recorded_ones_are_refused_and_leave_nothing() -> None:
    rows = Path("data/lm/keep/seed=0/gen=1/synthetic.parquet")
    rows.write_bytes(rows.read_bytes()[:-1] + b"?")
    with pytest.raises(HeirloomError, match=r"^data/lm/keep/seed=0/gen=1/synthetic\.parquet: not the bytes that "):
        export("lm/keep/0/1", OUT, CONFIG)
    assert not OUT.exists()


def test_a_copy_is_a_file_of_its_own_that_may_be_written_to() -> None:
    rows = Path("data/lm/keep/seed=0/gen=1/synthetic.parquet")
    rows.chmod(0o444)  # as DVC leaves it
    export("lm/keep/0/1", OUT, CONFIG)
    copied = (OUT / "data/train.parquet").stat()
    assert (copied.st_nlink, copied.st_mode & 0o200) == (1, 0o200)
    assert copied.st_ino != rows.stat().st_ino


def test_on_the_command_line_bad_input_is_one_line() -> None:
    done = run_in(Path.cwd(), sys.executable, "-m", "heirloom", "export", "hf", "lm/kept/0/1", "out", check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "did you mean lm/keep/0/1" in done.stderr
    assert run_in(Path.cwd(), sys.executable, "-m", "heirloom", "export", "hf", "lm/keep/0/1", "out").stdout == "out: lm/keep/0/1\n"
