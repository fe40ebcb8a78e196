"""The two ways of asking: with our tokenizer (`TokenWire`), or with the server's (`ChatWire`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from inference.engine import Choice, Generation, Request, Sampling
from inference.errors import (
    BadRequestError,
    InferenceError,
    MissingFeatureError,
    RequestFailedError,
)
from inference.option_spelling import OptionTokens, scored_prefixes, scored_tokens, spell_options
from inference.rendering import check_lengths, render_prompts
from inference.server import wire_chat, wire_tokens
from inference.server.client import ServerClient
from inference.server.pool import Server
from inference.validation import check_requests

Options = TypeVar("Options")


class Wire(Protocol[Options]):
    """Asks the servers; results stand in the order of the requests, `first` being the index of
    the first of them in the caller's eyes."""

    bundles: bool
    """Whether several requests can travel in one call."""

    def prepare_options(self, options: Sequence[str]) -> Options: ...

    async def generate(
        self, requests: Sequence[Request], first: int, sampling: Sampling
    ) -> list[Generation | InferenceError]: ...

    async def choose(
        self, requests: Sequence[Request], first: int, options: Options
    ) -> list[Choice | InferenceError]: ...


class TokenWire:
    """Prompts as token ids, rendered here; needs vLLM."""

    bundles = True

    def __init__(self, client: ServerClient, tokenizer: Any) -> None:
        self._client = client
        self._tokenizer = tokenizer

    def prepare_options(self, options: Sequence[str]) -> list[OptionTokens]:
        return spell_options(self._tokenizer, options)

    async def generate(
        self, requests: Sequence[Request], first: int, sampling: Sampling
    ) -> list[Generation | InferenceError]:
        prompts = self._render(requests, first, sampling.max_tokens)
        payload = wire_tokens.generate_payload(prompts, requests[0].seed, sampling)
        return await self._client.call(
            wire_tokens.PATH,
            lambda server: {"model": server.model_name, **payload},
            lambda body, server: wire_tokens.parse_generations(body, prompts, server.url),
            weight=len(prompts),
        )

    async def choose(
        self, requests: Sequence[Request], first: int, options: Sequence[OptionTokens]
    ) -> list[Choice | InferenceError]:
        longest = max(len(option.spellings[0]) for option in options)
        prompts = self._render(requests, first, longest)
        prefixes = scored_prefixes(options)
        tokens = scored_tokens(options)
        rows = [[*ids, *prefix] for ids in prompts for prefix in prefixes]
        payload = wire_tokens.next_token_payload(rows, tokens)
        after = await self._client.call(
            wire_tokens.PATH,
            lambda server: {"model": server.model_name, **payload},
            lambda body, server: wire_tokens.parse_next_tokens(body, len(rows), tokens, server.url),
            weight=len(rows),
        )
        each = len(prefixes)
        return [
            wire_tokens.choice_of(options, prefixes, after[each * n : each * n + each], len(ids))
            for n, ids in enumerate(prompts)
        ]

    def _render(self, requests: Sequence[Request], first: int, room: int) -> list[list[int]]:
        check_requests(requests, first_index=first)
        prompts = render_prompts(self._tokenizer, requests, first_index=first)
        check_lengths(prompts, room, self._client.pool.context_tokens, first_index=first)
        return prompts


class ChatWire:
    """Conversations as messages, rendered by the server; any OpenAI-compatible one."""

    bundles = False

    def __init__(self, client: ServerClient) -> None:
        self._client = client

    def prepare_options(self, options: Sequence[str]) -> Sequence[str]:
        return options

    async def generate(
        self, requests: Sequence[Request], first: int, sampling: Sampling
    ) -> list[Generation | InferenceError]:
        check_requests(requests, first_index=first)
        [request] = requests
        return [
            await self._client.call(
                wire_chat.PATH,
                lambda server: {
                    "model": server.model_name,
                    **wire_chat.generate_payload(request, sampling, vllm=server.is_vllm),
                },
                lambda body, server: wire_chat.parse_generation(body, server.url),
            )
        ]

    async def choose(
        self, requests: Sequence[Request], first: int, options: Sequence[str]
    ) -> list[Choice | InferenceError]:
        check_requests(requests, first_index=first)
        [request] = requests
        found, tokens = await self._next_tokens(request)
        whole = wire_chat.whole_options(found, options)
        constrained: list[float] | None = None
        if not all(whole):
            wire_chat.check_first_letters(options)
            constrained = await self._constrained(request, options)
        choice = wire_chat.choice_of(whole, constrained, tokens)
        if choice is None:
            return [
                RequestFailedError(
                    f"the server gave no usable probabilities of {list(options)}: "
                    f"{whole if constrained is None else constrained}"
                )
            ]
        return [choice]

    async def _next_tokens(self, request: Request) -> tuple[dict[str, float], int]:
        return await self._client.call(
            wire_chat.PATH,
            lambda server: {
                "model": server.model_name,
                **wire_chat.next_token_payload(request, vllm=server.is_vllm),
            },
            lambda body, server: (
                wire_chat.parse_next_tokens(body, server.url),
                wire_chat.prompt_tokens(body),
            ),
        )

    async def _constrained(self, request: Request, options: Sequence[str]) -> list[float]:
        def parse(body: dict[str, Any], server: Server) -> list[float]:
            found = wire_chat.parse_next_tokens(body, server.url)
            return wire_chat.begun_options(found, options, server.url)

        def payload(server: Server) -> dict[str, Any]:
            asked = wire_chat.next_token_payload(
                request, vllm=server.is_vllm, constrained_to=options
            )
            return {"model": server.model_name, **asked}

        try:
            return await self._client.call(wire_chat.PATH, payload, parse)
        except BadRequestError as error:
            raise MissingFeatureError(
                f"the server rejects structured outputs (structured_outputs.choice), which are "
                f"needed for options outside its top_logprobs: {error}"
            ) from error
