"""Answers from a server that speaks the OpenAI protocol: a folded checkpoint in any engine.

The penalty on repeated tokens is no part of the protocol. vLLM, SGLang and TGI call it
``repetition_penalty``; llama.cpp and Ollama ``repeat_penalty``, and look back 64 tokens unless told
otherwise. A server ignores a field that it does not know and says nothing, so which one works is tried out.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.answers.live import Answer, Writing
from neuroglot.progress import Track, silent

NAMES: dict[str, str | None] = {"repetition_penalty": None, "repeat_penalty": "repeat_last_n"}
"""What the penalty is called, and how many tokens it looks back. That number is the context: llama.cpp once
took -1 for all there are, and now refuses it."""

PROBE = "one two three one two three one two three one two three one two"
"""A text that goes on in itself, unless repeating is punished."""

PROBE_TOKENS = 16
STRONG = 10.0
"""A penalty that no text withstands."""

PARALLEL = 4
"""Requests at the same time."""


class Served:
    """A server of one model.

    Attributes:
        model: What the server calls it.
        name: What it calls the penalty; None until it was tried out.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key: str = "OPENAI_API_KEY",
        timeout: float = 600,
        retries: int = 4,
    ) -> None:
        """Finds the client.

        Args:
            base_url: As ``http://localhost:8000/v1``.
            model: What the server calls it.
            key: The environment variable with the key, if the server wants one; it is never written.
            timeout: Seconds an answer may take.
            retries: Of a request that failed: a rate limit, a timeout, a lost connection.

        Raises:
            NeuroglotError: The client is not installed.
        """
        try:
            import openai
        except ImportError as error:
            raise NeuroglotError(
                "the engine 'openai' needs openai: pip install 'neuroglot[generate]'"
            ) from error
        self.model = model
        self.name: str | None = None
        self._base_url = base_url
        self._timeout = timeout
        self._client = openai.OpenAI(
            base_url=base_url, api_key=os.environ.get(key) or "none", timeout=timeout, max_retries=retries
        )

    def write(
        self, prompts: Sequence[str], writing: Writing, stops: Sequence[str] = (), track: Track = silent
    ) -> list[Answer]:
        """Greedy answers to rendered prompts, in their order.

        The server puts what begins a text before a prompt, so none is sent.

        Raises:
            NeuroglotError: The server ignores the penalty, refuses, or does not answer in time.
        """
        from concurrent.futures import ThreadPoolExecutor

        more = self._penalty(writing)
        with track("answers of the server", len(prompts)) as advance, ThreadPoolExecutor(PARALLEL) as pool:

            def one(prompt: str) -> Answer:
                answer = self._complete(prompt, writing.max_new_tokens, stops, more)
                advance(1)
                return answer

            tasks = [pool.submit(one, prompt) for prompt in prompts]
            try:
                return [task.result() for task in tasks]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _penalty(self, writing: Writing) -> dict[str, Any]:
        """The fields of a request with the penalty.

        Raises:
            NeuroglotError: The server knows none of the names.
        """
        if writing.repetition_penalty == 1:
            return {}
        self.name = self.name or self._found_out(writing.context)
        return _fields(self.name, writing.repetition_penalty, writing.context)

    def _found_out(self, context: int) -> str:
        plain, again = (self._complete(PROBE, PROBE_TOKENS, (), {}).text for _ in range(2))
        if plain != again:
            raise NeuroglotError(
                f"the server at {self._base_url} answers the same prompt differently at temperature 0: "
                "it is not greedy"
            )
        refused = ""
        for name in NAMES:
            try:
                changed = self._complete(PROBE, PROBE_TOKENS, (), _fields(name, STRONG, context)).text
            except _RefusedError as error:  # a name that is not known may be refused as well as ignored
                refused = f"; {error}"
                continue
            if changed != plain:
                return name
        raise NeuroglotError(
            f"the server at {self._base_url} ignores {' and '.join(NAMES)}: a penalty of {STRONG:g} changes "
            "nothing, so its answers would not be those that are asked for (a repetition_penalty of 1 is "
            f"none){refused}"
        )

    def _complete(self, prompt: str, tokens: int, stops: Sequence[str], more: Mapping[str, Any]) -> Answer:
        import openai

        try:
            found = self._client.completions.create(
                model=self.model,
                prompt=prompt,
                max_tokens=tokens,
                temperature=0,
                stop=list(stops) or None,
                extra_body=dict(more),
            )
            (choice,) = found.choices
            text = choice.text
            finished = choice.finish_reason != "length"
            written = found.usage.completion_tokens if found.usage else tokens
        except openai.APITimeoutError as error:
            raise NeuroglotError(
                f"the server at {self._base_url} did not answer within {self._timeout:g} s"
            ) from error
        except openai.APIConnectionError as error:
            raise NeuroglotError(f"the server at {self._base_url} cannot be reached: {error}") from error
        except openai.BadRequestError as error:
            raise _RefusedError(f"the server at {self._base_url} refuses: {_first(error)}") from error
        except openai.APIStatusError as error:
            raise NeuroglotError(
                f"the server at {self._base_url} fails with {error.status_code}: {_first(error)}"
            ) from error
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            raise NeuroglotError(
                f"what the server at {self._base_url} sends is no completion: {_first(error)}"
            ) from error
        for stop in stops:
            text = text.partition(stop)[0]
        return Answer(text.strip(), written, finished)


class _RefusedError(NeuroglotError):
    """A request that the server calls wrong."""


def _fields(name: str, penalty: float, context: int) -> dict[str, Any]:
    window = NAMES[name]
    return {name: penalty} | ({window: context} if window else {})


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
