"""A server that follows a script: a real HTTP server on loopback, for tests and drills.

It speaks the part of vLLM's protocol that the server engine uses, answers by hashes of what it is
asked, and does wrong what its plan says: what a dead, busy or lying server does to a run can then
be seen. Nothing here needs a model.
"""

from __future__ import annotations

import hashlib
import json
import math
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

Mischief = Literal[
    "429", "500", "401", "422", "half", "garbage", "list", "no choices", "nan", "no logprobs",
    "abort", "hang", "drop",
]  # fmt: skip
"""What is done instead of an answer; "half" breaks off in the body, "drop" before it."""

Plan = Callable[[int, dict[str, Any]], Mischief | None]
"""(number of this completion call from 0, its payload) -> what to do wrong, or None."""

HANG_SECONDS = 30.0


class ScriptedServer:
    """Serves `model` on a free port of loopback until closed; `url` is its address.

    `vllm` is the version it claims, empty for a server that is none; `options_listed` whether
    `top_logprobs` holds the words A and B; `structured` whether it honours `structured_outputs`.
    `answered` counts good completion answers by the prompt (its JSON), unless `counting` is off.
    """

    def __init__(
        self,
        *,
        model: str = "scripted",
        root: str | None = None,
        vllm: str = "0.31.0",
        context_tokens: int = 4096,
        plan: Plan | None = None,
        port: int = 0,
        options_listed: bool = True,
        structured: bool = True,
        adapters: bool = True,
        counting: bool = True,
        api_key: str = "",
    ) -> None:
        self.model = model
        self.root = root or model
        self.vllm = vllm
        self.context_tokens = context_tokens
        self.options_listed = options_listed
        self.structured = structured
        self.takes_adapters = adapters
        self.api_key = api_key
        self._counting = counting
        self.adapters: dict[str, str] = {}
        self.answered: Counter[str] = Counter()
        self.calls = 0
        self.most_at_once = 0
        self._now = 0
        self._plan = plan
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._http = _Listener(self, port)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Go away as a killed process does: nothing listens, every connection is cut."""
        self._http.shutdown()
        self._http.server_close()
        with self._lock:
            cut, self._connections = self._connections, set()
        for connection in cut:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # What the handler calls.

    def connected(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)

    def disconnected(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def mischief(self, payload: dict[str, Any]) -> Mischief | None:
        with self._lock:
            number = self.calls
            self.calls += 1
        return self._plan(number, payload) if self._plan is not None else None

    def entered(self) -> None:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)

    def left(self) -> None:
        with self._lock:
            self._now -= 1

    def count(self, payload: dict[str, Any]) -> None:
        if not self._counting:
            return
        prompts = payload["prompt"] if "prompt" in payload else [payload["messages"]]
        with self._lock:
            self.answered.update(json.dumps(prompt) for prompt in prompts)

    def models(self) -> dict[str, Any]:
        base = {"id": self.model, "root": self.root, "max_model_len": self.context_tokens}
        loaded = [
            {"id": name, "root": path, "parent": self.model} for name, path in self.adapters.items()
        ]
        return {"data": [base, *loaded]}


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, script: ScriptedServer, port: int) -> None:
        self.script = script
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes: Nagle's wait would cost 40 ms an answer.
    disable_nagle_algorithm = True

    server: _Listener

    @property
    def _script(self) -> ScriptedServer:
        return self.server.script

    def setup(self) -> None:
        super().setup()
        self._script.connected(self.connection)

    def finish(self) -> None:
        self._script.disconnected(self.connection)
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Say nothing."""

    def do_GET(self) -> None:
        if self._is_shut_out():
            return
        answers: dict[str, dict[str, Any]] = {"/health": {}, "/v1/models": self._script.models()}
        if self._script.vllm:
            answers["/version"] = {"version": self._script.vllm}
        self._answer(answers.get(self.path))

    def do_POST(self) -> None:
        payload = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self._is_shut_out():
            return
        if self.path in ("/v1/completions", "/v1/chat/completions"):
            self._script.entered()
            try:
                self._complete(payload)
            finally:
                self._script.left()
        elif self.path == "/v1/load_lora_adapter" and self._script.takes_adapters:
            known = payload["lora_name"] in self._script.adapters
            self._script.adapters[payload["lora_name"]] = payload["lora_path"]
            self._answer(_error("has already been loaded") if known else {}, 400 if known else 200)
        elif self.path == "/v1/unload_lora_adapter" and self._script.takes_adapters:
            known = self._script.adapters.pop(payload["lora_name"], None) is not None
            self._answer({} if known else _error("cannot be found"), 200 if known else 404)
        else:
            self._answer(None)

    def _is_shut_out(self) -> bool:
        """Whether the key was wrong, which has then been said."""
        wanted = self._script.api_key
        if not wanted or self.headers["authorization"] == f"Bearer {wanted}":
            return False
        self._answer(_error("Unauthorized"), 401)
        return True

    def _complete(self, payload: dict[str, Any]) -> None:
        mischief = self._script.mischief(payload)
        if mischief is not None and self._misbehave(mischief):
            return
        if payload["model"] != self._script.model and payload["model"] not in self._script.adapters:
            self._answer(_error(f"The model `{payload['model']}` does not exist."), 404)
            return
        longest = max((len(one) for one in payload.get("prompt", ())), default=0)
        if longest + payload["max_tokens"] > self._script.context_tokens:
            said = f"maximum context length is {self._script.context_tokens} tokens"
            self._answer(_error(f"This model's {said}, the prompt has {longest}"), 400)
            return
        body = _chat(self._script, payload) if "messages" in payload else _completions(payload)
        self._answer(_spoilt(body, mischief))
        if mischief is None:
            self._script.count(payload)

    def _misbehave(self, mischief: Mischief) -> bool:
        """Whether that was all the answer there is."""
        if mischief in ("429", "500", "401", "422"):
            header = {"retry-after": "0.05"} if mischief == "429" else {}
            self._answer(_error("as the plan says"), int(mischief), header)
        elif mischief in ("garbage", "list"):
            self._send(200, b"<html>oops" if mischief == "garbage" else b"[1]")
        elif mischief == "half":
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [{"index": 0, "te')
            self.close_connection = True
        elif mischief == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif mischief == "hang":
            time.sleep(HANG_SECONDS)
            self.close_connection = True
        else:
            return False
        return True

    def _answer(
        self,
        body: dict[str, Any] | None,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        if body is None:
            status, body = 404, {"detail": "Not Found"}
        self._send(status, json.dumps(body).encode(), headers or {})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle_one_request(self) -> None:
        # The other side may be gone at any time: that is what these drills are for.
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "BadRequestError"}}


def _completions(payload: dict[str, Any]) -> dict[str, Any]:
    asked = payload.get("logprob_token_ids")
    choices = []
    for index, ids in enumerate(payload["prompt"]):
        words = _words(ids, payload)
        logprobs: dict[str, Any] = {"token_logprobs": [-0.5] * len(words)}
        if asked is not None:
            logprobs["top_logprobs"] = [
                {f"token_id:{one}": math.log(_share(ids, one) / len(asked)) for one in asked}
            ]
        choices.append(
            {"index": index, "text": " ".join(words), "finish_reason": "stop", "logprobs": logprobs}
        )
    return {"choices": choices}


def _chat(script: ScriptedServer, payload: dict[str, Any]) -> dict[str, Any]:
    messages = payload["messages"]
    words = _words(messages, payload)
    constrained = (payload.get("structured_outputs") or {}).get("choice")
    if constrained and script.structured:
        weights = {option[:1]: _share(messages, option) for option in constrained}
    elif script.options_listed:
        weights = {"A": _share(messages, "A"), " B": _share(messages, "B"), "Hm": 0.1}
    else:
        weights = {"Hm": 1.0}
    total = sum(weights.values())
    tops = [
        {"token": token, "logprob": math.log(weight / total)} for token, weight in weights.items()
    ]
    content = [{"token": word, "logprob": -0.5, "top_logprobs": tops} for word in words]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": " ".join(words)},
        "finish_reason": "stop",
        "logprobs": {"content": content},
    }
    return {"choices": [choice], "usage": {"prompt_tokens": len(json.dumps(messages).split())}}


def _spoilt(body: dict[str, Any], mischief: Mischief | None) -> dict[str, Any]:
    """The answer as the plan wants it wrong."""
    choice = body["choices"][0]
    if mischief == "no choices":
        return {**body, "choices": []}
    if mischief == "no logprobs":
        choice["logprobs"] = None
    elif mischief == "abort":
        choice["finish_reason"] = "abort"
    elif mischief == "nan":
        for top in choice["logprobs"].get("top_logprobs") or []:
            top.update(dict.fromkeys(top, math.nan))
        for token in choice["logprobs"].get("content") or []:
            token["logprob"] = math.nan
            for top in token["top_logprobs"]:
                top["logprob"] = math.nan
        if "token_logprobs" in choice["logprobs"]:
            choice["logprobs"]["token_logprobs"] = [math.nan]
    return body


def _words(prompt: Sequence[Any], payload: dict[str, Any]) -> list[str]:
    digest = hashlib.sha256(json.dumps([prompt, payload.get("seed")]).encode()).hexdigest()
    return [digest[start : start + 4] for start in range(0, 32, 4)][: payload["max_tokens"]]


def _share(prompt: Sequence[Any], what: object) -> float:
    """A number in [0.5, 1) from a hash of both."""
    digest = hashlib.sha256(json.dumps([prompt, what]).encode()).hexdigest()
    return 0.5 + int(digest[:8], 16) / 2**33
