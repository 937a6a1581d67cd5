"""A server that writes a generation's rows, in config: where it is, how it is started, and what a request says."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Many, Strict

CHECKPOINT, PORT = "{checkpoint}", "{port}"
_MOST_REQUESTS = 1_000
_LONGEST_WAIT = 86_400.0


class Endpoint(Strict):
    """A server that speaks OpenAI's protocol for completions: vLLM, SGLang, llama.cpp, `transformers serve`."""

    engine: str = Field(min_length=1, description="The server's program and version, as manifests name them, such as `vllm 0.33.0`.")
    command: Annotated[Many[Annotated[str, Field(min_length=1)]], Field(min_length=1)] | None = Field(
        None,
        description="Starts the server for a job: arguments, of which `{port}` is a free port and `{checkpoint}` a folder with the model "
        "and its tokenizer. Null: a server that runs at `url`.",
    )
    url: str = Field(
        "http://127.0.0.1:{port}/v1", pattern=r"^https?://", description="Where the protocol begins; `{port}` is that of `command`."
    )
    model: str = Field(CHECKPOINT, min_length=1, description="What requests call the model; `{checkpoint}` is the folder's path.")
    prompts: Literal["text", "tokens"] = Field(
        "text", description="What a request holds: the prompt as `text`, or as its `tokens` where the server takes ids."
    )
    fields: dict[str, Any] = Field(
        {}, description="Further fields of each request. Null leaves one out that Heirloom sends, such as `top_k` and `min_p`."
    )
    generation: dict[str, Any] = Field(
        {}, description="Entries of the folder's generation_config.json, from which some servers take what requests cannot say."
    )
    concurrency: int = Field(1, ge=1, le=_MOST_REQUESTS, description="Requests at one time; may change the bytes.")
    repeats: bool = Field(
        True, description="Whether the same seed must give the same text; without, a manifest says that rows repeat in distribution alone."
    )
    probes: int = Field(512, ge=64, le=100_000, description="First tokens that are drawn to compare the server with the model's own law.")
    retries: int = Field(5, ge=0, le=_MOST_REQUESTS, description="Further attempts of a request that gets no answer.")
    time_limit: float = Field(600.0, gt=0, le=_LONGEST_WAIT, description="Seconds for one answer.")
    start_limit: float = Field(600.0, gt=0, le=_LONGEST_WAIT, description="Seconds in which a server that `command` starts must answer.")

    @model_validator(mode="after")
    def _placeholders_have_a_command(self) -> Self:
        if self.command is None and PORT in self.url:
            raise ValueError(f"url is {self.url!r}, and there is no command that would be given a {PORT}: name the port, or give command")
        if self.command is not None and PORT not in self.command:
            raise ValueError(f"command has no argument {PORT}, at which the server is to listen")
        return self
