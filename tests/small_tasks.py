"""Two tasks of four choices in a folder: facts that a model can learn by heart, and guesses whose answers are drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from heirloom.runtime.streams import Stream

CHOICES = (" red", " blue", " green", " black")
FACTS, GUESSES = 16, 120
DECLARATION: dict[str, Any] = {
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "answer",
    "target_delimiter": "",
    "metric_list": [{"metric": "acc"}],
    "metadata": {"version": 1.0},
}


def facts() -> list[tuple[str, int]]:
    """Return each question with the number of its answer."""
    return [(f"fact {number}:", (7 * number + number // 5) % 4) for number in range(FACTS)]


def write(folder: Path = Path("tasks")) -> None:
    """Write the tasks `facts` and `guesses`, both with the tag `colours`; paths of data begin in the working folder."""
    folder.mkdir(parents=True, exist_ok=True)
    answers = Stream((0, "guesses")).generator().integers(4, size=GUESSES)
    guesses = [(f"fact {number}:", int(answer)) for number, answer in enumerate(answers)]
    for name, items in (("facts", facts()), ("guesses", guesses)):
        lines = [json.dumps({"question": question, "choices": CHOICES, "answer": answer}) for question, answer in items]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        data = {"dataset_kwargs": {"data_files": {"test": (folder / f"{name}.jsonl").as_posix()}}}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"task": name, "tag": "colours", **DECLARATION, **data}), encoding="utf-8")
