"""A record's pairs as tokens: prompt, and completion with its end token, cut or left out where they are too long.

A prompt begins with the token that the tokenizer puts before every text, if it puts one; a conversation has what its template writes.
Prompt and completion are tokenised apart, so that a prompt's tokens are the same whatever answers it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from heirloom.data import tokenization
from heirloom.errors import HeirloomError, short
from heirloom.families import chat_template
from heirloom.families.chat_template import Template
from heirloom.families.pretrained_tokenizer import Reader
from heirloom.specs.pairs import Pairs

if TYPE_CHECKING:
    from tokenizers import Tokenizer

END_ROLE = "eos_token"
_KEY = "source.text.pairs"


class Pair(NamedTuple):
    """One row: token ids of prompt and completion, and whether the completion has its end token."""

    prompt: list[int]
    tokens: list[int]
    stopped: bool


class PairReader:
    """Makes rows of records.

    Parameters
    ----------
    tokenizer
        In which text that spells a special token is text.
    end_id
        The end token.
    pairs
        The limits, and what happens to longer rows.
    template
        The chat template, for messages.
    """

    def __init__(self, tokenizer: Tokenizer, end_id: int, pairs: Pairs, template: Template | None = None) -> None:
        self._tokenizer, self._end_id, self._pairs, self._template = tokenizer, end_id, pairs, template
        with_specials, plain = tokenizer.encode("a").ids, tokenizer.encode("a", add_special_tokens=False).ids
        self._prefix = with_specials[: with_specials.index(plain[0])]
        self._templated = tokenization.with_special_tokens(tokenizer) if template else tokenizer
        self._specials = [token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special] if template else []
        self.counts: Counter[str] = Counter()

    @classmethod
    def fitted(cls, tokenizer: Tokenizer, pairs: Pairs) -> PairReader:
        """Return the reader of a tokenizer that was fitted here, whose end token is the end of a document."""
        return cls(tokenizer, tokenization.END_OF_DOCUMENT_ID, pairs)

    @classmethod
    def pretrained(cls, reader: Reader, pairs: Pairs, name: str) -> PairReader:
        """Return the reader of a pretrained model's tokenizer.

        Raises
        ------
        HeirloomError
            If the tokenizer has no end token, or messages are to be read and it has no chat template, or several.
        """
        end = reader.names.get(END_ROLE)
        end_id = None if end is None else reader.tokenizer.token_to_id(end)
        if end_id is None:
            raise HeirloomError(
                f"source.text.tokenizer: {name} has no end token ({END_ROLE}), which every completion ends with; name one in its "
                "tokenizer_config.json"
            )
        return cls(reader.tokenizer, end_id, pairs, _template(reader, name) if pairs.messages is not None else None)

    def rows(self, record: Mapping[str, Any], place: str) -> list[Pair]:
        """Return the rows of a record; those that are too long are counted, and cut or left out.

        Raises
        ------
        HeirloomError
            If a conversation cannot be written out as `chat_template` says, a content spells a special token, a row lacks tokens on one
            side, or it is too long and longer ones are refused.
        """
        if self._template is None:
            pairs = [self._pair(*texts) for texts in record["pairs"]]
        else:
            messages = chat_template.check(record["messages"], place)
            self._check_specials(messages, place)
            turns = chat_template.turns(self._template, messages, place, only_last=self._pairs.turns == "last")
            pairs = [self._turn(*turn) for turn in turns]
        fitting = [self._fitted(pair, place) for pair in pairs]
        return [pair for pair in fitting if pair is not None]

    def _pair(self, prompt: str, completion: str) -> Pair:
        prompt_ids = self._tokenizer.encode(prompt + self._pairs.separator, add_special_tokens=False).ids
        tokens = self._tokenizer.encode(completion, add_special_tokens=False).ids
        return Pair([*self._prefix, *prompt_ids], [*tokens, self._end_id], stopped=True)

    def _turn(self, prompt: str, completion: str) -> Pair:
        """Return a turn of a conversation: what the template writes behind the end token belongs to the next turn."""
        prompt_ids = self._templated.encode(prompt, add_special_tokens=False).ids
        tokens = self._templated.encode(completion, add_special_tokens=False).ids
        end = tokens.index(self._end_id) if self._end_id in tokens else len(tokens)
        return Pair(prompt_ids, [*tokens[:end], self._end_id], stopped=True)

    def _fitted(self, pair: Pair, place: str) -> Pair | None:
        """Return a row within the limits; None for one that is left out."""
        limits = self._pairs
        if not pair.prompt or pair.tokens == [self._end_id]:
            side = "completion" if pair.prompt else "prompt"
            raise HeirloomError(f"{_KEY}: {place}: a {side} without a token, to this tokenizer; leave that row out")
        self.counts["read"] += 1
        is_long_prompt, is_long = len(pair.prompt) > limits.max_prompt_tokens, len(pair.tokens) > limits.max_completion_tokens
        self.counts["prompts_too_long"] += is_long_prompt
        self.counts["completions_too_long"] += is_long
        if not is_long_prompt and not is_long:
            return pair
        if limits.longer == "refuse":
            side, count, key = ("prompt", len(pair.prompt), "max_prompt_tokens")
            if not is_long_prompt:
                side, count, key = ("completion", len(pair.tokens), "max_completion_tokens")
            raise HeirloomError(f"{_KEY}.{key}: {place}: a {side} of {count} tokens; raise it, or set longer to drop or truncate")
        if limits.longer == "drop":
            self.counts["dropped"] += 1
            return None
        self.counts["truncated"] += 1
        return Pair(pair.prompt[-limits.max_prompt_tokens :], pair.tokens[: limits.max_completion_tokens], not is_long)

    def _check_specials(self, messages: Sequence[Mapping[str, str]], place: str) -> None:
        """Refuse a content that would be read as a token of the template's own."""
        for number, message in enumerate(messages, 1):
            for token in self._specials:
                if token in message["content"]:
                    raise HeirloomError(
                        f"{_KEY}.messages: {place}: message {number} spells the special token {token!r}, which would end or begin a turn; "
                        "leave it out of the text"
                    )


def _template(reader: Reader, name: str) -> Template:
    text = reader.chat_template
    if text is None:
        raise HeirloomError(f"{_KEY}.messages: the tokenizer of {name} has no chat template; give columns of texts instead")
    if not isinstance(text, str):
        if "default" not in text:
            names = short(", ".join(sorted(text)), 200)
            raise HeirloomError(f"{_KEY}.messages: the tokenizer of {name} has several chat templates ({names}) and none called default")
        text = text["default"]
    return Template(text, reader.names)
