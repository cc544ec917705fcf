"""A judge's address: one request in, the text of one reply out, or why there is none.

The openai client repeats what may pass (rate limits, honouring Retry-After; 5xx; timeouts; lost connections),
waiting longer each time. A server that refuses a field of the request is asked without it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.judge.rubric import SCHEMA

FORMATS: tuple[Mapping[str, Any], ...] = (
    {"response_format": {"type": "json_schema", "json_schema": {"name": "verdict", "schema": SCHEMA}}},
    {"response_format": {"type": "json_object"}},
    {},
)
"""How the form of a reply is asked for; not every server knows every way."""

DISPENSABLE = ("max_tokens", "temperature", "seed")
"""Fields that some models refuse."""


class UnansweredError(NeuroglotError):
    """One request that got no reply; the next may."""


@dataclass(frozen=True)
class Accepted:
    """What a server takes.

    Attributes:
        form: The index in `FORMATS`.
        without: Fields that it refuses.
    """

    form: int = 0
    without: frozenset[str] = frozenset()

    def body(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request as this server takes it."""
        kept = {name: value for name, value in request.items() if name not in self.without}
        return kept | dict(FORMATS[self.form])

    def less(self, refusal: str) -> "Accepted | None":
        """What to try after a refusal: without the field it names, else a simpler form; None: give up."""
        for name in DISPENSABLE:
            if name in refusal and name not in self.without:
                return replace(self, without=self.without | {name})
        return replace(self, form=self.form + 1) if self.form + 1 < len(FORMATS) else None


class Endpoint:
    """A server, and a model on it. Several threads may ask at once."""

    def __init__(self, base_url: str, model: str, *, key: str, timeout: float, retries: int) -> None:
        """Finds client and key.

        Args:
            base_url: As ``http://localhost:8000/v1``.
            model: What the server calls it.
            key: The environment variable with the key; a server that wants none is told "none".
            timeout: Seconds a request may take.
            retries: Of a request that failed.

        Raises:
            NeuroglotError: The client is not installed, or the key cannot be sent.
        """
        try:
            import openai
        except ImportError as error:
            raise NeuroglotError("a judge needs openai: pip install 'neuroglot[judge]'") from error
        self._secret = os.environ.get(key, "").strip()
        if not (self._secret.isascii() and self._secret.isprintable()):
            raise NeuroglotError(f"the key in {key} has characters that no header can carry")
        self._url, self._model, self._variable, self._timeout = base_url, model, key, timeout
        self._accepted = Accepted()
        self._client = openai.OpenAI(
            base_url=base_url, api_key=self._secret or "none", timeout=timeout, max_retries=retries
        )

    def ask(self, request: Mapping[str, Any]) -> str:
        """The text of the reply to a chat request.

        Args:
            request: ``messages`` and sampling.

        Raises:
            UnansweredError: None came, after all retries, or it is no chat completion.
            NeuroglotError: None can come: the key or the model is not known there.
        """
        accepted = self._accepted
        while True:
            try:
                reply = self._send(accepted.body(request))
            except _RefusedError as error:
                less = accepted.less(str(error))
                if less is None:
                    raise UnansweredError(str(error)) from None
                accepted = less
            else:
                self._accepted = (
                    accepted  # only what helped: a prompt that is too long is refused in any form
                )
                return reply

    def _send(self, body: Mapping[str, Any]) -> str:
        import openai

        # Never `from error`: the request in it holds the key, and what a server says may repeat it.
        try:
            raw = self._client.chat.completions.with_raw_response.create(model=self._model, **body)
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            known = (
                f"refuses the key in {self._variable}"
                if self._secret
                else f"wants a key: set {self._variable}"
            )
            raise NeuroglotError(f"the judge at {self._url} {known} ({error.status_code})") from None
        except openai.NotFoundError as error:
            raise NeuroglotError(
                f"the judge at {self._url} has no model {self._model!r}, or the address is not its whole one "
                f"(it often ends in /v1): {self._first(error)}"
            ) from None
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            raise _RefusedError(f"the judge refuses the request: {self._first(error)}") from None
        except openai.APITimeoutError:
            raise UnansweredError(f"the judge did not answer within {self._timeout:g} s") from None
        except openai.APIConnectionError:
            raise UnansweredError(f"{self._url} cannot be reached, or closed the connection") from None
        except openai.APIStatusError as error:
            raise UnansweredError(f"the judge fails with {error.status_code}: {self._first(error)}") from None
        except openai.OpenAIError as error:
            raise UnansweredError(f"the judge cannot be asked: {self._first(error)}") from None
        try:
            return self._clean(_content(raw.text))
        except (ValueError, LookupError, TypeError):
            begins = self._clean(raw.text)[:60]
            raise UnansweredError(f"what came is no chat completion: {begins!r}") from None

    def _first(self, error: Exception) -> str:
        return self._clean(str(error)).partition("\n")[0][:200]

    def _clean(self, text: str) -> str:
        """Without the key, should a server send it back."""
        return text.replace(self._secret, "[key]") if self._secret else text


class _RefusedError(NeuroglotError):
    """A request that the server calls wrong."""


def _content(body: str) -> str:
    """The text of a chat completion; a message without text is an empty one."""
    content = json.loads(body)["choices"][0]["message"]["content"]
    if content is not None and not isinstance(content, str):
        raise TypeError("its content is no text")
    return content or ""
