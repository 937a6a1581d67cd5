"""A server on loopback that stands in for faulty ones: it writes with a network of ours, by the seed of each request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch
from tokenizers import Tokenizer

from heirloom.families.lm.decoding import Decoding, draw_tokens
from heirloom.families.lm.network import Network
from heirloom.runtime.streams import Stream

Body = dict[str, Any]
Respond = Callable[[Body], tuple[int, Body]]
_LOGITS: dict[int, tuple[Network, dict[tuple[int, ...], torch.Tensor]]] = {}


def next_logits(network: Network, ids: tuple[int, ...]) -> torch.Tensor:
    """Return the logits (1, V) of the token after some ids, remembered."""
    remembered = _LOGITS.setdefault(id(network), (network, {}))[1]
    if ids not in remembered:
        remembered[ids] = network.logits(torch.tensor([ids]))[:, -1]
    return remembered[ids]


@torch.inference_mode()
def completion(network: Network, tokenizer: Tokenizer, body: Body, top_k: int = 0, end_id: int = 0) -> Body:
    """Return what a server writes that draws as a request says, from the likeliest tokens alone if ``top_k``."""
    prompt = body["prompt"]
    ids = list(prompt) if isinstance(prompt, list) else tokenizer.encode(prompt).ids
    uniforms = torch.from_numpy(Stream((body["seed"], "stand-in")).uniforms(0, 1, 64)[0])
    decoding = Decoding(body.get("temperature", 1.0), top_k or body.get("top_k", 0))
    written: list[int] = []
    while len(written) < body["max_tokens"]:
        token = int(draw_tokens(next_logits(network, (*ids, *written)), uniforms[len(written)][None], decoding))
        if token == end_id:
            break
        written.append(token)
    reason = "length" if len(written) == body["max_tokens"] else "stop"
    return {"choices": [{"text": tokenizer.decode(written), "finish_reason": reason}], "usage": {"completion_tokens": len(written)}}


@contextmanager
def serving(respond: Respond) -> Iterator[tuple[str, list[Body]]]:
    """Yield the address of a server, and the requests that it is sent."""
    bodies: list[Body] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(404, {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bodies.append(body)
            self._send(*respond(body))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def _send(self, status: int, content: Body) -> None:
            payload = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
