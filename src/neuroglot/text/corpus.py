"""Language → documents → sentences, and the ways to divide them.

* A corpus never changes; every operation gives a new one.
* Every choice is a *keyed draw*: a hash of the seed and of what is drawn, not of its place in a list. So
  aligned text is cut alike in all languages, restricted to some of them or not, and a smaller `Corpus.take`
  is contained in a larger one.
* Parts of a split share no document and no sentence text (METHODS §7).
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from html import escape
from itertools import islice, zip_longest
from pathlib import Path

from neuroglot.errors import NeuroglotError, unknown

logger = logging.getLogger(__name__)

Position = tuple[str, int]
"""A document's id and the index of a sentence in it."""


@dataclass(frozen=True)
class Document:
    """Sentences that belong together, in their order.

    Raises:
        NeuroglotError: No sentences, or a blank one.
    """

    id: str
    sentences: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.sentences:
            raise NeuroglotError(f"document {self.id!r} has no sentences")
        for number, sentence in enumerate(self.sentences, start=1):
            if not sentence.strip():
                raise NeuroglotError(f"document {self.id!r}: sentence {number} is blank")


@dataclass(frozen=True)
class Corpus:
    """Text in several languages; `parallel` if sentence i of document d means the same in all of them.

    >>> one = Corpus("greetings", {"en": [Document("a", ("Hello there.", "How are you?"))]}, parallel=False)
    >>> one.languages, one.sentences("en")
    (('en',), 2)

    Raises:
        NeuroglotError: No text in a language, a document id twice, or parallel text that is not aligned.
    """

    name: str
    documents: Mapping[str, Sequence[Document]]
    parallel: bool
    license: str | None = None

    def __post_init__(self) -> None:
        owned = {language: tuple(documents) for language, documents in self.documents.items()}
        object.__setattr__(self, "documents", owned)
        if not owned:
            raise NeuroglotError(f"corpus {self.name!r} has no languages")
        for language, documents in owned.items():
            if not documents:
                raise NeuroglotError(f"corpus {self.name!r} has no text in {language!r}")
            if twice := _first_repeated(document.id for document in documents):
                raise NeuroglotError(f"corpus {self.name!r}: {language!r} has document {twice!r} twice")
            if self.parallel:
                self._check_aligned(language)

    @classmethod
    def commons(cls, languages: Sequence[str] | None = None) -> "Corpus":
        """The bundled parallel corpus; see `neuroglot.text.sources.commons`."""
        from neuroglot.text import sources

        return sources.commons(languages)

    @classmethod
    def from_files(cls, path: str | Path, languages: Sequence[str] | None = None) -> "Corpus":
        """A folder of text, JSONL or Parquet files; see `neuroglot.text.sources.from_files`."""
        from neuroglot.text import sources

        return sources.from_files(path, languages)

    @classmethod
    def from_hub(
        cls,
        name: str,
        languages: Mapping[str, str] | Sequence[str],
        *,
        column: str = "text",
        split: str = "train",
        document_column: str | None = None,
        limit: int | None = None,
        revision: str | None = None,
    ) -> "Corpus":
        """A dataset of the hub; see `neuroglot.text.sources.from_hub`."""
        from neuroglot.text import sources

        return sources.from_hub(
            name,
            languages,
            column=column,
            split=split,
            document_column=document_column,
            limit=limit,
            revision=revision,
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages, in the order given."""
        return tuple(self.documents)

    def sentences(self, language: str) -> int:
        """How many sentences a language has."""
        checked_languages([language], self.documents, f"corpus {self.name!r}")
        return sum(len(document.sentences) for document in self.documents[language])

    def __len__(self) -> int:
        """Sentences over all languages."""
        return sum(map(self.sentences, self.languages))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of text, documents and alignment; not of the name, licence or order of languages."""
        content = {
            language: sorted((document.id, document.sentences) for document in documents)
            for language, documents in self.documents.items()
        }
        canonical = json.dumps([self.parallel, content], sort_keys=True, separators=(",", ":"))
        return sha256(canonical.encode()).hexdigest()

    def restrict(self, languages: Sequence[str]) -> "Corpus":
        """Only these languages, in this order.

        Raises:
            NeuroglotError: A language that is not here, or one named twice.
        """
        wanted = checked_languages(languages, self.languages, f"corpus {self.name!r}")
        return replace(self, documents={language: self.documents[language] for language in wanted})

    def split(self, seed: int = 0, **parts: int | float) -> dict[str, "Corpus"]:
        """Disjoint parts of whole documents; aligned text is split at the same documents in every language.

        A sentence whose text already stands in an earlier part, in any language, is left out of the later one
        (in parallel text, from every language), and the number left out is logged as a warning.

        Args:
            seed: Which documents go where.
            parts: Name → documents a language: a number (``int``) or a fraction, rounded down (``float``).

        Raises:
            NeuroglotError: A part of no documents, or more documents asked for than there are.
        """
        if not parts:
            raise NeuroglotError("split needs at least one part, for example identify=0.5")
        counts: dict[str, dict[str, int]] = {}
        waiting: dict[str, Iterator[str]] = {}
        for language, documents in self.documents.items():
            there = len(documents)
            counts[language] = {
                # A hair above, so that a product such as 0.29 × 100 = 28.999… keeps its last document.
                part: int(size * there + 1e-9) if isinstance(size, float) else size
                for part, size in parts.items()
            }
            for part, count in counts[language].items():
                if count < 1:
                    raise NeuroglotError(f"part {part!r} is {parts[part]} of {there} documents: that is none")
            if (asked := sum(counts[language].values())) > there:
                raise NeuroglotError(f"split asks for {asked} documents; {language!r} has {there}")
            ids = (document.id for document in documents)
            waiting[language] = iter(sorted(ids, key=lambda id: _draw(seed, id)))

        result: dict[str, Corpus] = {}
        read: set[str] = set()
        for part in parts:
            chosen = {}
            for language, documents in self.documents.items():
                drawn = set(islice(waiting[language], counts[language][part]))
                chosen[language] = [document for document in documents if document.id in drawn]
            whole = replace(self, name=f"{self.name}/{part}", documents=chosen)
            result[part] = whole.without(read)
            if left_out := len(whole) - len(result[part]):
                logger.warning("%s: left out %d sentences that an earlier part has too", whole.name, left_out)
            read |= whole.texts
        return result

    def take(self, sentences: int, seed: int = 0) -> "Corpus":
        """This many sentences a language, one of every document before a second of any.

        In parallel text the same positions in every language. ``take(10)`` is contained in ``take(20)``.

        Raises:
            NeuroglotError: A language has fewer, or fewer than one is asked for.
        """
        if sentences < 1:
            raise NeuroglotError(f"asked for {sentences} sentences a language; at least 1 is needed")
        kept = {}
        for language, documents in self.documents.items():
            if (there := self.sentences(language)) < sentences:
                raise NeuroglotError(f"asked for {sentences} sentences a language; {language!r} has {there}")
            # Deal in rounds: the n-th drawn sentence of every document belongs to round n.
            deal = sorted(
                (turn, _draw(seed, document.id), position)
                for document in documents
                for turn, position in enumerate(
                    sorted(
                        ((document.id, index) for index in range(len(document.sentences))),
                        key=lambda position: _draw(seed, *position),
                    )
                )
            )
            kept[language] = {position for _, _, position in deal[:sentences]}
        return self._keep(kept)

    @property
    def texts(self) -> frozenset[str]:
        """Every sentence, in whatever language."""
        return frozenset(sentence for _, _, sentence in self._walk())

    @property
    def every_sentence(self) -> list[str]:
        """All sentences of all languages, in order."""
        return [text for _, _, text in self._walk()]

    def without(self, texts: AbstractSet[str]) -> "Corpus":
        """All but the sentences with these texts; in parallel text all but their positions."""
        clashes = {(language, position) for language, position, sentence in self._walk() if sentence in texts}
        if self.parallel:
            clashes = {(language, position) for language in self.languages for _, position in clashes}
        kept: dict[str, set[Position]] = {language: set() for language in self.languages}
        for language, position, _ in self._walk():
            if (language, position) not in clashes:
                kept[language].add(position)
        return self._keep(kept)

    def __repr__(self) -> str:
        counts = ", ".join(f"{language} {self.sentences(language)}" for language in self.languages)
        return f"Corpus({self.name!r}, {self._kind}, sentences: {counts})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(language)}</td><td>{len(documents)}</td><td>{self.sentences(language)}</td></tr>"
            for language, documents in self.documents.items()
        )
        return (
            f"<table><caption>{escape(self.name)} ({self._kind})</caption>"
            f"<tr><th>language</th><th>documents</th><th>sentences</th></tr>{rows}</table>"
        )

    @property
    def _kind(self) -> str:
        return "parallel" if self.parallel else "not parallel"

    def _check_aligned(self, language: str) -> None:
        first = self.languages[0]
        ours, theirs = (
            [
                f"document {document.id!r} ({len(document.sentences)} sentences)"
                for document in self.documents[each]
            ]
            for each in (language, first)
        )
        for mine, other in zip_longest(ours, theirs, fillvalue="no document"):
            if mine != other:
                raise NeuroglotError(
                    f"corpus {self.name!r} is not parallel: "
                    f"{language!r} has {mine} where {first!r} has {other}"
                )

    def _walk(self) -> Iterator[tuple[str, Position, str]]:
        """Language, position and text of every sentence."""
        for language, documents in self.documents.items():
            for document in documents:
                for index, sentence in enumerate(document.sentences):
                    yield language, (document.id, index), sentence

    def _keep(self, kept: Mapping[str, AbstractSet[Position]]) -> "Corpus":
        """Only these positions of each language; a document that keeps none is gone."""
        documents: dict[str, list[Document]] = {language: [] for language in self.languages}
        for language, whole in self.documents.items():
            for document in whole:
                sentences = tuple(
                    sentence
                    for index, sentence in enumerate(document.sentences)
                    if (document.id, index) in kept[language]
                )
                if sentences:
                    documents[language].append(Document(document.id, sentences))
        return replace(self, documents=documents)


def checked_languages(languages: Sequence[str], known: Iterable[str], where: str) -> tuple[str, ...]:
    """The languages asked for, once each is known and named once.

    Raises:
        NeuroglotError: Otherwise, naming the language and ``where``.
    """
    known = tuple(known)
    for language in languages:
        if language not in known:
            raise unknown("language", language, known, where)
    if twice := _first_repeated(languages):
        raise NeuroglotError(f"language {twice!r} is asked for twice", where)
    return tuple(languages)


def _first_repeated(names: Iterable[str]) -> str | None:
    met: set[str] = set()
    for name in names:
        if name in met:
            return name
        met.add(name)
    return None


def _draw(*key: int | str) -> bytes:
    """A uniform draw that depends on its key alone, the same on every machine and in every version."""
    return sha256(repr(key).encode()).digest()
