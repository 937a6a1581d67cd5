"""What can be wrong with pairs for a pretrained model: each is one line of `heirloom check --thorough`, before any job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from heirloom import config as configuration
from heirloom import preflight
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.families import causal_lm
from small_models import pretrained
from small_tokenizers import fitted, folder_of

TEMPLATE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
FORGETFUL = "{% for m in messages[-2:] %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}"
PAIRS = [{"prompt": f"the mill {number}", "completion": f"was sold in 18{number}"} for number in range(30)]
CONTEXT = 96


def talk(*contents: str) -> dict[str, Any]:
    return {"chat": [{"role": ("user", "assistant")[place % 2], "content": content} for place, content in enumerate(contents)]}


TALKS = [talk(f"the {number}", "mill", f"was {number}", "sold") for number in range(30)]
WRONG_ROLES = {"chat": [*talk("the")["chat"], *talk("mill", "was")["chat"]]}


def declared(rows: list[dict[str, Any]], pairs: dict[str, Any], template: str = TEMPLATE, **tokenizer: Any) -> Config:
    """Return the config of a project in the working folder, with a model whose vocabulary lacks nothing."""
    folder = folder_of(Path("model"), fitted(), chat_template=template, **tokenizer)
    causal_lm.save(pretrained("llama", 300, CONTEXT), folder)
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    text = {"rows": "pairs", "pairs": pairs, "split": {"train": 0.6, "valid": 0.2, "test": 0.2}}
    experiment = {
        "family": {"name": "causal_lm", "model": {"path": "model"}, "training": {"batch_rows": 4}},
        "source": {"name": "files", "paths": ["rows.jsonl"], "text": text},
        "regimes": ["replace"],
        "generations": 1,
        "rows": 8,
    }
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"text": experiment}})


LIMITS = {"max_prompt_tokens": 48, "max_completion_tokens": 48}
MESSAGES = {**LIMITS, "messages": "chat"}


@pytest.mark.parametrize(
    ("rows", "pairs", "settings", "fault"),
    [
        ([*PAIRS, {"prompt": "the", "completion": None}], LIMITS, {}, "rows.jsonl:31: a pair without completion; leave that row out"),
        ([*PAIRS, {"prompt": "the"}], LIMITS, {}, "rows.jsonl:31 has no column 'completion'; it has prompt"),
        (PAIRS, {**LIMITS, "prompt": "question"}, {}, "rows.jsonl:1 has no column 'question'; it has prompt, completion"),
        (PAIRS, {**LIMITS, "max_prompt_tokens": 49}, {}, "context of 96 tokens, and 97 are needed; lower .*, of pairs max_prompt_tokens"),
        (PAIRS, LIMITS, {"eos_token": None}, "model has no end token (eos_token), which every completion ends with"),
        (TALKS, MESSAGES, {"template": FORGETFUL}, "rows.jsonl:1: the chat template drops message 1"),
        ([*TALKS, WRONG_ROLES], MESSAGES, {}, "rows.jsonl:31: message 2 has the role 'user', where 'assistant' is allowed"),
        ([*TALKS, talk("the", "mill", "was")], MESSAGES, {}, "rows.jsonl:31: the last message is the user's: a pair without completion"),
        ([*TALKS, talk("the </s>", "mill")], MESSAGES, {}, "rows.jsonl:31: message 1 spells the special token '</s>'"),
    ],
)
def test_a_fault_of_pairs_is_one_line_before_any_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: Any, pairs: Any, settings: Any, fault: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HeirloomError) as error:
        preflight.thorough(declared(rows, pairs, **settings))
    (line,) = error.value.lines
    assert all(part in line for part in fault.split(".*"))


@pytest.mark.parametrize(("rows", "pairs", "settings"), [(PAIRS, LIMITS, {"pad_token": "</s>"}), (TALKS, MESSAGES, {})])
def test_sound_pairs_pass_though_the_padding_token_may_be_the_end_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, rows: Any, pairs: Any, settings: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    preflight.thorough(declared(rows, pairs, **settings))
    assert caplog.messages == []
