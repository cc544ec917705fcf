"""What a study asks of tasks: each part is measured only where the study has its settings."""

import re

from pydantic import Field, FiniteFloat, field_validator

from neuroglot.study.named import Strict


class Benchmarks(Strict):
    """Tasks of lm-evaluation-harness under every mask.

    Attributes:
        panels: Name → language → task. A panel has one task a language, and one LangSpec-F1 a mask.
        limit: Items a task, the same under every mask.
        few_shot: Solved examples before each item.
        folders: Further folders with task files; environment variables are expanded.
    """

    panels: dict[str, dict[str, str]] = Field(min_length=1)
    limit: int = Field(200, ge=1)
    few_shot: int = Field(0, ge=0)
    folders: list[str] = Field([])


class Generation(Strict):
    """Open questions, answered greedily under every mask.

    Attributes:
        questions: ``commons``, or a folder of ``<language>.jsonl``; environment variables are expanded.
        count: Questions a language; default: all.
        max_new_tokens: Where an answer is cut.
        context: Prompt and answer together, in tokens.
        repetition_penalty: The logit of a token that is there already is divided by it (times it, below 0).
        batch: Answers written at the same time.
    """

    questions: str = "commons"
    count: int | None = Field(None, ge=1)
    max_new_tokens: int = Field(2048, ge=1)
    context: int = Field(8192, ge=16)
    repetition_penalty: float = Field(1.1, gt=0)
    batch: int = Field(32, ge=1)


class Judge(Strict):
    """A model that marks the answers, 1 to 10, behind an OpenAI-compatible address.

    Attributes:
        base_url: Of the server, as ``https://host/v1``; ``bundled`` serves the bundled 270M model here, which
            tries the plumbing and judges nothing.
        model: What the server calls it.
        key: The environment variable with the key, if the server wants one; the key itself is never written.
        questions: Questions a language whose answers are judged; default: all.
        again: Share of the answers judged a second time, for self-agreement.
        timeout: Seconds a request may take.
        retries: Of a request that failed.
        parallel: Requests at the same time.
    """

    base_url: str
    model: str = Field("judge", min_length=1)
    key: str = "OPENAI_API_KEY"
    questions: int | None = Field(None, ge=1)
    again: float = Field(0.1, ge=0, le=1)
    timeout: float = Field(60, gt=0)
    retries: int = Field(4, ge=0)
    parallel: int = Field(4, ge=1)

    @field_validator("base_url")
    @classmethod
    def _plain(cls, base_url: str) -> str:
        if base_url == "bundled" or re.fullmatch(r"https?://[^\s@?#]+", base_url):
            return base_url.rstrip("/")
        # Not said back: what stands before an @ or behind a ? is often a key.
        raise ValueError("expected 'bundled' or https://host/v1, without a key in it: that is for `key`")

    @field_validator("key")
    @classmethod
    def _name(cls, key: str) -> str:
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", key):  # it may be the key itself, so it is not said back
            raise ValueError("expected the name of an environment variable in capitals, not a key")
        return key


class Steering(Strict):
    """Questions in one language, answered under interventions that should bring out another.

    Attributes:
        recipe: Whose sets steer; default: the study's first.
        pairs: [language of the question, language to answer in]; default: every language to the next one.
        questions: Questions a pair.
        enhance: Factors of `scale`, at the target's set.
        add: Multiples of the target's mean that are added, at the target's set.
        replace: Also set the target's set to its mean while the question's language is silenced.
        diffmean: Multiples of the residual stream's difference of means that are added.
        diffmean_layer: Where; default: the layer of six that does best on two questions that are in no table.
        max_new_tokens: Where an answer is cut.
    """

    recipe: str | None = None
    pairs: list[tuple[str, str]] | None = None
    questions: int = Field(8, ge=1)
    enhance: list[FiniteFloat] = Field([2.0, 5.0, 10.0])
    add: list[FiniteFloat] = Field([1.0, 3.0, 10.0])
    replace: bool = True
    diffmean: list[FiniteFloat] = Field([0.5, 1.0, 2.0])
    diffmean_layer: int | None = Field(None, ge=0)
    max_new_tokens: int = Field(64, ge=1)
