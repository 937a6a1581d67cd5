"""Is the contract of programs whole? A built-in family beside the same one wrapped as programs.

    python benchmarks/wrapped/compare.py gaussian|causal_lm [--cores 1]

Makes a project, runs both experiments of ``FAMILY.yaml`` by Snakemake, and compares them generation by generation: the figures of ancestry
and the shares of real rows, which must be equal, the fingerprints of generation 0's training sets, and all measures that both have, by
z = (mean of the wrapped seeds - mean of the built-in's) / standard error (Welch 1947). Ends with status 1 if a figure of ancestry
differs or |z| is 4 or more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = ("Snakefile", "rules", "profiles", "docs/report", "src")
WORDS = ("mill", "river", "castle", "garden", "winter", "harbour", "teacher", "letter", "forest", "market")
SAME_MEASURES = {
    "test_perplexity": "model_test_perplexity",
    "covariance_trace": "model_variance",
    "mean_squared_error": "model_squared_error",
}
"""Measure of the built-in family's model → what the wrapped program calls it; of rows, both sides have the same name."""
Measures = dict[tuple[str, int], dict[int, dict[str, float]]]


def main() -> None:
    """Run and compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("family", choices=["gaussian", "causal_lm"])
    parser.add_argument("--cores", default="1")
    parser.add_argument("--folder", type=Path, help="an empty folder that stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        prepare(folder, options.family)
        run(folder, "snakemake", "--cores", options.cores, "--quiet", "all", "--configfile", f"wrapped/{options.family}.yaml")
        sides = {name: measures(folder, name) for name in ("built_in", "wrapped")}
        sys.exit(compare(folder, sides["built_in"], sides["wrapped"]))


def prepare(folder: Path, family: str) -> None:
    """Fill a folder with the workflow, the programs, and for a language model a tiny model and pairs."""
    for name in (*FILES, "benchmarks/wrapped"):
        target = folder / name.removeprefix("benchmarks/")
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    if family == "causal_lm":
        run(
            folder, sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import compare; compare.model()"
        )


def model() -> None:
    """Write pairs, and a tiny llama that has read them so often that nearly all it writes is of their characters."""
    from transformers import AutoConfig

    from heirloom.data import tokenization
    from heirloom.families import causal_lm
    from heirloom.families.lm.library.model import build
    from heirloom.runtime.streams import Stream

    rows = []
    for number in range(240):
        answer = " ".join(WORDS[(number + place) % 10] for place in range(1 + number % 5))
        rows.append({"prompt": f"The {WORDS[number % 10]} of {number}?", "completion": answer})
    Path("pairs.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    Path("model").mkdir()
    tokenizer = tokenization.fit([row["prompt"] for row in rows], 257)
    tokenizer.save("model/tokenizer.json")
    Path("model/tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": tokenization.END_OF_DOCUMENT})
    )
    sizes = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
    tokens = {"vocab_size": 257, "max_position_embeddings": 96, "bos_token_id": None, "eos_token_id": 0, "pad_token_id": 0}
    new = build(AutoConfig.for_model("llama", **sizes, **tokens), Stream((0, "new")))
    import causal_lm as wrapped

    data = wrapped.table([row["prompt"] for row in rows], [row["completion"] for row in rows], {"model": "model"})
    fit = causal_lm.Fit(epochs=12, batch_rows=16, learning_rate=0.01, final_learning_rate=0.001, best_epoch="last")
    causal_lm.save(causal_lm.train(data, fit, new, Stream((0, "pretrained"))), Path("model"))


def run(folder: Path, *command: str) -> None:
    """Run a command in a folder with this code."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def measures(folder: Path, name: str) -> Measures:
    """Return arm and generation → seed → measures."""
    found: Measures = defaultdict(dict)
    for arm, seed, generation, numbers in rows(folder, name):
        found[arm, generation].setdefault(seed, {}).update(numbers)
    return found


def rows(folder: Path, name: str) -> Iterator[tuple[str, int, int, dict[str, float]]]:
    """Yield arm, seed, generation and measures, of steps and of chains."""
    import pyarrow.parquet as pq

    for file in sorted((folder / "data" / name).glob("*/seed=*/gen=*/metrics.json")):
        arm, seed, generation, _ = file.parts[-4:]
        yield arm, int(seed[5:]), int(generation[4:]), json.loads(file.read_text())
    for file in sorted((folder / "data" / name).glob("*/seed=*/trajectory.parquet")):
        arm, seed, _ = file.parts[-3:]
        for row in pq.read_table(file).to_pylist():
            yield arm, int(seed[5:]), row["generation"], {row["metric"]: row["value"]}


def compare(folder: Path, built_in: Measures, wrapped: Measures) -> int:
    """Print what is equal and the z of what is not, and return 1 if something is further off than chance."""
    for name in ("train", "checkpoint"):
        prints = [sorted((folder / "data" / side).glob(f"origin/seed=*/gen=0/{name}.fingerprint.json")) for side in ("built_in", "wrapped")]
        hashes = [[json.loads(file.read_text())["sha256"] for file in files] for files in prints]
        equal = sum(one == other for one, other in zip(*hashes, strict=True))
        print(f"generation 0, {name}: {equal} of {len(hashes[0])} fingerprints are equal")
    return int(max([compare_generation(place, built_in[place], wrapped[place]) for place in sorted(built_in)]))


def compare_generation(place: tuple[str, int], one: dict[int, dict[str, float]], other: dict[int, dict[str, float]]) -> bool:
    """Print the same of one generation of one arm, and return whether something is further off than chance."""
    seeds = sorted(one)
    names = sorted(one[seeds[0]])
    shared = {name: SAME_MEASURES.get(name, name) for name in names if SAME_MEASURES.get(name, name) in other[seeds[0]]}
    values = {name: ([one[seed][name] for seed in seeds], [other[seed][theirs] for seed in seeds]) for name, theirs in shared.items()}
    ancestry = [name for name in shared if name.startswith("ancestry.") and "token" not in name]
    differing = [name for name in ancestry if values[name][0] != values[name][1]]
    print(f"{place[0]}, generation {place[1]}, {len(seeds)} seeds: {len(ancestry)} figures of ancestry, {len(differing)} differ")
    z_scores = [z_score(name, *pair) for name, pair in values.items() if name not in ancestry]
    return bool(differing) or max(map(abs, z_scores), default=0.0) >= 4


def z_score(name: str, a: list[float], b: list[float]) -> float:
    """Print a measure's means, and return how many standard errors they are apart."""
    if a == b:
        print(f"  {name}\tequal\t{statistics.fmean(a):.4g}")
        return 0.0
    error = ((statistics.variance(a) + statistics.variance(b)) / len(a)) ** 0.5
    z = (statistics.fmean(b) - statistics.fmean(a)) / error if error else float("inf")
    print(f"  {name}\tz = {z:+.2f}\t{statistics.fmean(a):.4g}\t{statistics.fmean(b):.4g}")
    return z


if __name__ == "__main__":
    main()
