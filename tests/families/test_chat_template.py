"""Conversations by a chat template: which turns are rows, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heirloom.errors import HeirloomError
from heirloom.families import chat_template, pretrained_tokenizer
from heirloom.families.chat_template import Template
from heirloom.families.pair_reader import PairReader
from heirloom.specs.pairs import Pairs
from heirloom.specs.pretrained import Pretrained
from small_tokenizers import fitted, folder_of

NAMES = {"bos_token": "<s>", "eos_token": "</s>"}
PLAIN = (
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
MARKED = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}assistant: {% generation %}{{ m.content }}{{ eos_token }}"
    "{% endgeneration %}{{ '\n' }}{% else %}{{ m.role }}: {{ m.content }}{{ eos_token }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
FORGETFUL = "{% for m in messages[-2:] %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}"
RESTLESS = "{{ messages | length }}{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}"
STRICT = "{{ raise_exception('Only one turn, please') if messages | length > 2 }}" + PLAIN


def said(*contents: str, system: str | None = None) -> list[dict[str, str]]:
    turns = [{"role": ("user", "assistant")[place % 2], "content": content} for place, content in enumerate(contents)]
    return [{"role": "system", "content": system}, *turns] if system else turns


TALK = said("the mill", "was sold", "in 1843", "the year", system="be brief")


def turns(text: str, messages: list[dict[str, str]], *, only_last: bool = False) -> list[chat_template.Turn]:
    return chat_template.turns(Template(text, NAMES), chat_template.check(messages, "a.jsonl:7"), "a.jsonl:7", only_last=only_last)


@pytest.mark.parametrize("template", [PLAIN, MARKED])
def test_each_turn_stands_behind_all_that_was_said_before(template: str) -> None:
    first, second = turns(template, TALK)
    assert first.prompt == "<s>system: be brief</s>\nuser: the mill</s>\nassistant: "
    assert first.completion.startswith("was sold</s>")
    assert second.prompt == f"{first.prompt}was sold</s>\nuser: in 1843</s>\nassistant: "
    assert second.completion.startswith("the year</s>")
    assert turns(template, TALK, only_last=True) == [second]


@pytest.mark.parametrize(
    ("template", "messages", "fault"),
    [
        (PLAIN, said("a", "b", "c"), "the last message is the user's: a pair without completion"),
        (PLAIN, said("a", " "), "message 2 is the assistant's, and empty: a pair without completion"),
        (PLAIN, [*said("a"), *said("b", "c")], "message 2 has the role 'user', where 'assistant' is allowed"),
        (PLAIN, [*said("a", "b"), {"role": "system", "content": "c"}], "message 3 has the role 'system', where 'user' is allowed"),
        (PLAIN, [{"role": "human", "content": "a"}, *said("b", "c")], "message 1 has the role 'human', where 'user' is allowed"),
        (PLAIN, [{"from": "user", "value": "a"}], "message 1 must be an object with the texts `role` and `content`"),
        (PLAIN, "hello", "expected a list of messages, got 'hello'"),
        (FORGETFUL, TALK, "the chat template drops message 1 (the system's)"),
        (RESTLESS, said("a", "b"), "writes what stands before an assistant's turn otherwise once the turn is there"),
        (STRICT, TALK, "the chat template refuses the conversation: Only one turn, please"),
        ("{% generation %}{% endgeneration %}", TALK, "drops message 1"),
    ],
)
def test_a_conversation_that_cannot_be_rows_is_one_line_with_its_place(template: str, messages: Any, fault: str) -> None:
    with pytest.raises(HeirloomError) as error:
        turns(template, messages)
    assert fault in str(error.value)
    assert "source.text.pairs.messages: a.jsonl:7: " in str(error.value)


def reader(tmp_path: Path, settings: dict[str, Any], **configured: Any) -> PairReader:
    folder = folder_of(tmp_path / "model", fitted(), **configured)
    return PairReader.pretrained(pretrained_tokenizer.read(Pretrained(path=str(folder))), Pairs.model_validate(settings), "model")


MESSAGES = {"messages": "chat"}


@pytest.mark.parametrize("template", [PLAIN, MARKED])
def test_a_turn_ends_with_its_end_token_and_nothing_of_the_next(tmp_path: Path, template: str) -> None:
    pairs = reader(tmp_path, MESSAGES, chat_template=template).rows({"messages": TALK}, "a:1")
    tokenizer = fitted()
    assert [tokenizer.decode(pair.tokens, skip_special_tokens=False) for pair in pairs] == ["was sold</s>", "the year</s>"]
    assert [pair.tokens.count(1) for pair in pairs] == [1, 1]
    assert tokenizer.decode(pairs[1].prompt, skip_special_tokens=False).endswith("user: in 1843</s>\nassistant: ")
    assert pairs[0].prompt[0] == 0


def test_columns_are_tokens_of_their_own_with_an_end_whatever_they_spell(tmp_path: Path) -> None:
    (pair,) = reader(tmp_path, {"separator": "\n"}).rows({"pairs": [["the mill </s>", "was sold </s>"]]}, "a:1")
    tokenizer = fitted()
    assert tokenizer.decode(pair.prompt) == "the mill </s>\n"
    assert tokenizer.decode(pair.tokens[:-1]) == "was sold </s>"
    assert pair.tokens[-1] == 1
    assert 1 not in pair.tokens[:-1]


def test_a_prompt_begins_as_every_text_of_the_tokenizer_does(tmp_path: Path) -> None:
    (pair,) = reader(tmp_path, {}, add_bos_token=True, add_eos_token=True).rows({"pairs": [["the", "sold"]]}, "a:1")
    assert pair.prompt[0] == 0
    assert pair.prompt.count(0) == 1
    assert 1 not in pair.prompt
    assert pair.tokens.count(1) == 1


def test_a_padding_token_that_is_the_end_token_changes_nothing(tmp_path: Path) -> None:
    apart = reader(tmp_path, {}).rows({"pairs": [["the", "sold"]]}, "a:1")
    (tmp_path / "model").rename(tmp_path / "apart")
    assert reader(tmp_path, {}, pad_token="</s>").rows({"pairs": [["the", "sold"]]}, "a:1") == apart  # noqa: S106  a token of text


@pytest.mark.parametrize(
    ("settings", "configured", "fault"),
    [
        ({}, {"eos_token": None}, "model has no end token (eos_token)"),
        (MESSAGES, {}, "the tokenizer of model has no chat template"),
        (MESSAGES, {"chat_template": [{"name": "tool", "template": PLAIN}]}, "several chat templates (tool) and none called default"),
    ],
)
def test_a_tokenizer_that_cannot_serve_is_one_line(tmp_path: Path, settings: Any, configured: Any, fault: str) -> None:
    with pytest.raises(HeirloomError) as error:
        reader(tmp_path, settings, **configured)
    assert fault in str(error.value)


def test_a_content_that_spells_a_special_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match="message 1 spells the special token '</s>'"):
        reader(tmp_path, MESSAGES, chat_template=PLAIN).rows({"messages": said("the mill</s>", "was sold")}, "a:1")


LONG = {"max_prompt_tokens": 3, "max_completion_tokens": 4}
RECORD = {"pairs": [["abcd", "e"], ["a", "efgh"], ["a", "e"]]}


def test_longer_rows_are_dropped_and_counted(tmp_path: Path) -> None:
    pair_reader = reader(tmp_path, LONG)
    assert [len(pair.tokens) for pair in pair_reader.rows(RECORD, "a:1")] == [2]
    assert pair_reader.counts == {"read": 3, "prompts_too_long": 1, "completions_too_long": 1, "dropped": 2}


def test_longer_rows_lose_the_beginning_of_the_prompt_and_the_end_of_the_completion(tmp_path: Path) -> None:
    pair_reader = reader(tmp_path, {**LONG, "longer": "truncate"})
    first, second, third = pair_reader.rows(RECORD, "a:1")
    tokenizer = fitted()
    assert (tokenizer.decode(first.prompt), first.stopped) == ("bcd", True)
    assert (tokenizer.decode(second.tokens), second.stopped) == ("efgh", False)
    assert third.stopped
    assert pair_reader.counts["truncated"] == 2


def test_longer_rows_are_refused_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match=r"max_prompt_tokens: a:1: a prompt of 4 tokens; raise it, or set longer to drop or truncate"):
        reader(tmp_path, {**LONG, "longer": "refuse"}).rows(RECORD, "a:1")


def test_a_completion_of_nothing_but_its_end_token_is_refused(tmp_path: Path) -> None:
    from tokenizers import normalizers

    folder = folder_of(tmp_path / "model", fitted(normalizer=normalizers.Replace("x", "")))
    pair_reader = PairReader.pretrained(pretrained_tokenizer.read(Pretrained(path=str(folder))), Pairs.model_validate({}), "model")
    with pytest.raises(HeirloomError, match="a:1: a completion without a token, to this tokenizer"):
        pair_reader.rows({"pairs": [["a", "xx"]]}, "a:1")
    with pytest.raises(HeirloomError, match="a:1: a prompt without a token, to this tokenizer"):
        pair_reader.rows({"pairs": [["x", "a"]]}, "a:1")
