"""The server of a job: one that runs, or one that a command of the user's starts on a folder with the model, and that ends with the job."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx2

from heirloom.artefacts.files import dumps, read_json, write_text
from heirloom.errors import HeirloomError
from heirloom.families import tokenizer_folder
from heirloom.families.lm.served.client import Client
from heirloom.runtime import program
from heirloom.specs.decoding import Decoding
from heirloom.specs.endpoint import CHECKPOINT, PORT, Endpoint

_GENERATION = "generation_config.json"
_PAUSE = 0.25


@contextmanager
def client_of(checkpoint: Path, tokenizer: Path, record: Mapping[str, Any], settings: Decoding) -> Iterator[Client]:
    """Yield a client of the server that writes a generation's rows.

    Parameters
    ----------
    checkpoint, tokenizer, record
        As for `tokenizer_folder.links`.

    Raises
    ------
    HeirloomError
        If the server cannot be started, ends, or does not answer in time.
    """
    endpoint = settings.endpoint
    assert endpoint is not None
    with tokenizer_folder.links(checkpoint, tokenizer, record) as folder:
        if endpoint.generation:
            _add_to_generation(folder, endpoint.generation)
        port = _free_port() if endpoint.command else 0
        places = {CHECKPOINT: str(folder), PORT: str(port)}
        client = Client(settings, endpoint, endpoint.url.replace(PORT, str(port)), places.get(endpoint.model, endpoint.model))
        try:
            if endpoint.command is None:
                yield client
                return
            arguments = [places.get(argument, argument) for argument in endpoint.command]
            with program.running(arguments) as process:
                _wait(client, endpoint, process)
                yield client
        finally:
            client.close()


def _add_to_generation(folder: Path, entries: Mapping[str, Any]) -> None:
    """Write entries of ``generation_config.json``, beside those that the folder has."""
    file = folder / _GENERATION
    content = read_json(file) if file.is_file() else {}
    write_text(file, dumps({**content, **entries}))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(client: Client, endpoint: Endpoint, process: Popen[bytes]) -> None:
    """Wait until a server that was started answers, whatever it says but that it is not ready (503)."""
    end, cause = time.monotonic() + endpoint.start_limit, ""
    address = client.url.removesuffix("/completions")
    while time.monotonic() < end:
        if process.poll() is not None:
            raise HeirloomError(f"sampling.endpoint.command ended with status {process.returncode}; {program.OUTPUT_PLACE}")
        try:
            if httpx2.get(address, timeout=endpoint.time_limit, trust_env=False).status_code != httpx2.codes.SERVICE_UNAVAILABLE:
                return
            cause = "status 503"
        except httpx2.TransportError as error:
            cause = f"{type(error).__name__}: {error}"
        time.sleep(_PAUSE)
    raise HeirloomError(f"{address}: no server answers in {endpoint.start_limit:g} s, sampling.endpoint.start_limit ({cause})")
