"""Requests to a server of completions: one per row, with the row's own seed, and the same again where no answer comes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2

from heirloom.errors import HeirloomError, short
from heirloom.specs.decoding import Decoding
from heirloom.specs.endpoint import Endpoint

_log = logging.getLogger(__name__)

_BUSY = {408, 425, 429}
"""Answers by which a server asks for another attempt, beside those from 500 on."""
_LONGEST_PAUSE = 30.0
_LONGEST_DETAIL = 300


@dataclass(frozen=True)
class Request:
    """What is asked for one row.

    Attributes
    ----------
    prompt
        Text, or token ids.
    seed
        From 0 to 2**31 - 1.
    max_tokens
        Tokens to write at most.
    """

    prompt: str | tuple[int, ...]
    seed: int
    max_tokens: int


@dataclass(frozen=True)
class Answer:
    """What a server has written.

    Attributes
    ----------
    tokens
        Ids of the text, where the server gives them.
    is_ended
        Whether the model stopped by itself.
    num_tokens
        Tokens that the server counts, if it does.
    """

    text: str
    tokens: tuple[int, ...] | None
    is_ended: bool
    num_tokens: int | None


class Client:
    """A server of completions.

    Parameters
    ----------
    url
        Where the protocol begins.
    model
        What requests call the model.
    """

    def __init__(self, settings: Decoding, endpoint: Endpoint, url: str, model: str) -> None:
        self.endpoint = endpoint
        self.url = f"{url.rstrip('/')}/completions"
        self._fields = request_fields(settings, endpoint, model)
        logging.getLogger(httpx2.__name__).setLevel(logging.WARNING)  # it would write a line per request
        limits = httpx2.Limits(max_connections=endpoint.concurrency)
        self._http = httpx2.Client(timeout=endpoint.time_limit, limits=limits, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def answers(self, requests: Sequence[Request], **changes: Any) -> Iterator[Answer]:
        """Yield the answers in the order of the requests, so many of which are under way at one time.

        Parameters
        ----------
        changes
            Fields of these requests that differ from those of rows.

        Raises
        ------
        HeirloomError
            If the server is down, refuses a request, or answers with something else.
        """
        with ThreadPoolExecutor(self.endpoint.concurrency) as pool:
            yield from pool.map(lambda request: self._answer(request, changes), requests)

    def _answer(self, request: Request, changes: Mapping[str, Any]) -> Answer:
        body = {**self._fields, "prompt": request.prompt, "seed": request.seed, "max_tokens": request.max_tokens, **changes}
        cause = ""
        for attempt in range(self.endpoint.retries + 1):
            if attempt:
                time.sleep(min(2.0**attempt / 4, _LONGEST_PAUSE))
            try:
                response = self._http.post(self.url, json=body)
            except httpx2.TransportError as error:
                cause = f"{type(error).__name__}: {error}"
                continue
            if response.status_code < httpx2.codes.INTERNAL_SERVER_ERROR and response.status_code not in _BUSY:
                return self._read(response)
            cause = f"status {response.status_code}: {short(response.text, _LONGEST_DETAIL)}"
            _log.info("%s: %s", self.url, cause)
        attempts = self.endpoint.retries + 1
        raise HeirloomError(
            f"{self.url}: the server is down or gives no answer, after {attempts} attempts ({cause}); start it and run again"
        )

    def _read(self, response: httpx2.Response) -> Answer:
        """Return what an answer holds.

        Raises
        ------
        HeirloomError
            If the server refuses the request, or the answer is not one of the protocol.
        """
        if response.status_code != httpx2.codes.OK:
            cure = "leave a field out by `fields: {NAME: null}` of sampling.endpoint"
            raise HeirloomError(
                f"{self.url}: refuses a request with status {response.status_code}: {short(response.text, _LONGEST_DETAIL)}; {cure}"
            )
        try:
            content = response.json()
            choice, num_tokens = content["choices"][0], (content.get("usage") or {}).get("completion_tokens")
            text, reason, tokens = choice["text"], choice.get("finish_reason"), choice.get("token_ids")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise HeirloomError(f"{self.url}: answers with no completion: {short(response.text, _LONGEST_DETAIL)}") from None
        if not isinstance(text, str) or reason not in ("stop", "length"):
            raise HeirloomError(f"{self.url}: a completion needs a text and a finish_reason of stop or length, got {reason!r}")
        return Answer(text, None if tokens is None else tuple(tokens), reason == "stop", num_tokens)


def request_fields(settings: Decoding, endpoint: Endpoint, model: str) -> dict[str, Any]:
    """Return the fields that all requests of rows share: truncation is off unless the config asks for it, because servers turn it on."""
    fields: dict[str, Any] = {
        "model": model,
        "temperature": settings.temperature,
        "top_p": settings.top_p or 1.0,
        "top_k": settings.top_k or 0,
        "min_p": 0.0,
        "stream": False,
    }
    if settings.repetition_penalty != 1.0:
        fields["repetition_penalty"] = settings.repetition_penalty
    all_fields = {**fields, **endpoint.fields}
    return {name: value for name, value in all_fields.items() if value is not None}
