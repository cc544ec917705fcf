"""Text → samples of token ids (METHODS §1).

A sample is BOS + the tokens of one sentence, and nothing else: no other special token is added, and text that
spells one ("<eos>") is read as the text it is. Every token after BOS is a target.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.text.corpus import Corpus

logger = logging.getLogger(__name__)

Unit = Literal["sentence", "document"]


class Tokenizer(Protocol):
    """What is used of a Hugging Face tokenizer."""

    @property
    def bos_token_id(self) -> int | None:
        """Begins a text."""

    @property
    def eos_token_id(self) -> int | None:
        """Ends a text."""

    @property
    def cls_token_id(self) -> int | None:
        """Begins a text in BERT kin."""

    def __call__(
        self,
        text: list[str],
        *,
        add_special_tokens: bool,
        split_special_tokens: bool,
        return_offsets_mapping: bool,
        verbose: bool,
    ) -> Mapping[str, Any]:
        """``input_ids`` of each text and, when asked for, ``offset_mapping``: each token's characters."""


@dataclass(frozen=True)
class Sample:
    """One row of a pass: where it comes from, its token ids, and the lengths that scores are divided by."""

    language: str
    document: str
    sentence: int
    """Index within its document; -1 for a whole document."""
    ids: tuple[int, ...]
    """BOS, then the text's tokens."""
    characters: int
    """Unicode code points of the text."""
    bytes: int
    """UTF-8 bytes of the text."""
    prompt: int = 0
    """How many of the first tokens of the text are context only: s is about the rest."""
    against: "Sample | None" = None
    """Another text whose scores are subtracted from those of this one."""
    gaps: tuple[tuple[int, int], ...] | None = None
    """Of a masked language model: where in ``ids`` a token is hidden, and which; there is one in each of the
    copies of [begin, text, end] that ``ids`` then holds (`neuroglot.text.masked`). None: of a causal one."""

    @property
    def copies(self) -> int:
        """How often ``ids`` holds the text."""
        return max(1, len(self.gaps or ()))

    @property
    def tokens(self) -> int:
        """Tokens of the text, special ones apart."""
        return len(self.ids) - 1 if self.gaps is None else len(self.ids) // self.copies - 2


def tokenize(
    corpus: Corpus, tokenizer: Tokenizer, *, unit: Unit = "sentence", max_tokens: int | None = None
) -> tuple[Sample, ...]:
    """Turn a corpus into samples, in its order of languages, documents and sentences.

    Args:
        corpus: The text.
        tokenizer: A Hugging Face tokenizer.
        unit: A sample is a ``sentence``, or a whole ``document`` with a line break between its sentences
            (right in every script, where a space is not).
        max_tokens: Cut longer texts to at most this many tokens, BOS apart, at the last whole character.
            Characters and bytes are those of the kept text; a warning says how many samples were cut.

    Raises:
        NeuroglotError: An unknown unit, a tokenizer without a token to begin with, or a text of a single
            token: nothing is predicted from it, so its neurons have no gradient.
    """
    if unit not in get_args(Unit):
        raise unknown("unit", unit, get_args(Unit))
    if max_tokens is not None and max_tokens < 2:
        raise NeuroglotError(f"max_tokens is {max_tokens}; a sample needs at least 2 tokens")
    bos = first_token(tokenizer)
    samples = []
    cut = 0
    for language in corpus.languages:
        sources = list(_texts(corpus, language, unit))
        encoded = tokenizer(
            [text for _, _, text in sources],
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=max_tokens is not None,
            verbose=False,
        )
        for row, (document, sentence, text) in enumerate(sources):
            ids, kept = encoded["input_ids"][row], text
            if max_tokens is not None and len(ids) > max_tokens:
                offsets = encoded["offset_mapping"][row]
                count = _whole_tokens(offsets, max_tokens)
                ids, kept = ids[:count], text[: offsets[count - 1][1]]
                cut += 1
            if len(ids) < 2:
                place = f"{language}, document {document!r}" + (
                    f", sentence {sentence + 1}" if sentence >= 0 else ""
                )
                raise NeuroglotError(f"too short, a sample needs at least 2 tokens: {kept!r}", place)
            samples.append(Sample(language, document, sentence, (bos, *ids), len(kept), len(kept.encode())))
    if cut:
        logger.warning("cut %d of %d samples to %d tokens", cut, len(samples), max_tokens)
    return tuple(samples)


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts, without any special token."""
    encoded = tokenizer(
        list(texts),
        add_special_tokens=False,
        split_special_tokens=True,
        return_offsets_mapping=False,
        verbose=False,
    )
    return list(encoded["input_ids"])


def first_token(tokenizer: Tokenizer) -> int:
    """What a sample begins with.

    Raises:
        NeuroglotError: The tokenizer has nothing to begin with.
    """
    # GPT-2 and Qwen have no BOS: a text begins after the token that ended the one before. BERT kin have CLS.
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.cls_token_id):
        if token is not None:
            return token
    raise NeuroglotError("the tokenizer has no BOS, EOS or CLS token to begin a sample with")


def _texts(corpus: Corpus, language: str, unit: Unit) -> Iterator[tuple[str, int, str]]:
    """Document, index of the sentence, text."""
    for document in corpus.documents[language]:
        if unit == "document":
            yield document.id, -1, "\n".join(document.sentences)
        else:
            for index, sentence in enumerate(document.sentences):
                yield document.id, index, sentence


def _whole_tokens(offsets: Sequence[tuple[int, int]], limit: int) -> int:
    """The most tokens, up to a limit, that end between two characters: byte-level tokens may split one."""
    return next((n for n in range(limit, 0, -1) if offsets[n][0] >= offsets[n - 1][1]), 0)
