"""Where text comes from: a folder of files, a dataset of the hub, the bundled corpus.

* Every sentence is stripped and NFC-normalised at the door, so that the same sentence has the same tokens,
  counts and fingerprint however its accents were typed.
* What cannot be used is an error that names the file and the line, never a sentence quietly left out.
* `datasets` and `pyarrow` are imported only when asked for.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import normalize

from neuroglot.errors import NeuroglotError
from neuroglot.text.corpus import Corpus, Document, checked_languages

DOCUMENT_IDS = "DOCUMENT_IDS.tsv"
LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]+)*")
"""What a file of text is named by: ``vi``, ``zh-TW``, ``vie_Latn``. A README.txt is no language."""

Sentence = tuple[str, str]
"""The id of its document, its text."""
Row = tuple[str, Any]
"""Where it stands (file:line), what stands there."""


def from_files(path: str | Path, languages: Sequence[str] | None = None) -> Corpus:
    """Read a folder with one file a language, named by its code.

    ============================  =============================================================
    ``<lang>.txt``                a sentence a line, a blank line between documents
    … with ``DOCUMENT_IDS.tsv``   a sentence a line, aligned by line over all languages; the id
                                  of each line's document stands on the same line of that file.
                                  The corpus is parallel
    ``<lang>.jsonl``              ``{"text": …, "document": …}`` a line; a row without
                                  ``document`` is a document of its own
    ``<lang>.parquet``            the same as columns
    ============================  =============================================================

    Args:
        path: The folder.
        languages: Which to read, in this order; all that are there, sorted, if None.

    Raises:
        NeuroglotError: Nothing to read there, or something in it that cannot be used.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise NeuroglotError("not a folder" if folder.exists() else "no such folder", str(path))
    found: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix in (".txt", ".jsonl", ".parquet") and LANGUAGE.fullmatch(file.stem):
            found.setdefault(file.stem, []).append(file)
    if not found:
        raise NeuroglotError("no <language>.txt, .jsonl or .parquet file in this folder", str(path))
    wanted = sorted(found) if languages is None else checked_languages(languages, found, str(path))

    id_file = folder / DOCUMENT_IDS
    ids = [id.strip() for id in _lines(id_file)] if id_file.exists() else None
    documents = {}
    for language in wanted:
        if len(found[language]) > 1:
            names = " and ".join(file.name for file in found[language])
            raise NeuroglotError(f"language {language!r} has {names}; keep one of them", str(path))
        (file,) = found[language]
        if file.suffix == ".jsonl":
            sentences = _sentences(jsonl_rows(file))
        elif file.suffix == ".parquet":
            sentences = _sentences(_parquet_rows(file))
        elif ids is None:
            sentences = _blocks(file)
        else:
            sentences = _aligned(file, ids)
        documents[language] = _documents(sentences, str(file))
    return Corpus(folder.resolve().name, documents, parallel=ids is not None)


def commons(languages: Sequence[str] | None = None) -> Corpus:
    """The bundled corpus: short parallel documents over many subjects, written for this project (CC0)."""
    with as_file(files("neuroglot.text") / "commons") as folder:
        return replace(from_files(folder, languages), name="commons", license="CC0-1.0")


def from_hub(
    name: str,
    languages: Mapping[str, str] | Sequence[str],
    *,
    column: str = "text",
    split: str = "train",
    document_column: str | None = None,
    limit: int | None = None,
    revision: str | None = None,
) -> Corpus:
    """Read a dataset of the Hugging Face hub (or a local folder in its layout), one configuration a language.

    Args:
        name: The dataset, for example ``wikimedia/wikipedia``.
        languages: Language → configuration (``{"vi": "20231101.vi"}``), or languages that are configurations.
        column: Which column holds the text.
        split: Which split to read.
        document_column: Which column says the row's document; every row is its own document if None.
        limit: Read only the first rows of each language, streamed rather than downloaded whole.
        revision: Branch, tag or commit of the dataset.

    Raises:
        NeuroglotError: No network; no such dataset, configuration, split or column; text that cannot be used.
    """
    import datasets

    if not isinstance(languages, Mapping):
        languages = dict(zip(checked_languages(languages, languages, name), languages, strict=True))
    documents = {}
    for language, config in languages.items():
        where = f"{name}, {config}, {split}"
        try:
            rows = datasets.load_dataset(
                name, config, split=split, revision=revision, streaming=limit is not None
            )
            documents[language] = _documents(
                (
                    (
                        f"row {number}" if document_column is None else str(row[document_column]),
                        clean(row[column], f"{where}, row {number}"),
                    )
                    for number, row in enumerate(islice(rows, limit), start=1)
                ),
                where,
            )
        except ConnectionError as error:
            raise NeuroglotError(
                "the hub cannot be reached; without a network, read a folder of files instead", where
            ) from error
        except KeyError as error:
            raise NeuroglotError(f"no column {error}", where) from error
        # What `datasets` raises for a name, configuration or split that is not there, or for unreadable data.
        except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
            raise NeuroglotError(str(error).partition("\n")[0], where) from error
    return Corpus(name, documents, parallel=False)


def _lines(file: Path) -> list[str]:
    """The lines of a UTF-8 file; split at line feeds only, since text may hold U+2028 and its kin."""
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise NeuroglotError(f"not UTF-8 at byte {error.start}", str(file)) from error
    except OSError as error:
        raise NeuroglotError(f"cannot be read: {error.strerror}", str(file)) from error
    if not text.strip():
        raise NeuroglotError("the file is empty", str(file))
    return text.removeprefix("\ufeff").removesuffix("\n").split("\n")


def _aligned(file: Path, ids: Sequence[str]) -> Iterator[Sentence]:
    lines = _lines(file)
    if len(lines) != len(ids):
        raise NeuroglotError(f"{len(lines)} lines, but {DOCUMENT_IDS} has {len(ids)}", str(file))
    for number, (id, line) in enumerate(zip(ids, lines, strict=True), start=1):
        if not id:
            raise NeuroglotError("blank document id", f"{file.with_name(DOCUMENT_IDS)}:{number}")
        yield id, clean(line, f"{file}:{number}")


def _blocks(file: Path) -> Iterator[Sentence]:
    start = 1
    for number, line in enumerate(_lines(file), start=1):
        if line.strip():
            yield f"line {start}", clean(line, f"{file}:{number}")
        else:
            start = number + 1


def jsonl_rows(file: Path) -> Iterator[Row]:
    """Every line of a file of JSON lines, and where it stands.

    Raises:
        NeuroglotError: The file cannot be read or is empty, or a line is not JSON.
    """
    for number, line in enumerate(_lines(file), start=1):
        where = f"{file}:{number}"
        try:
            yield where, json.loads(line)
        except ValueError as error:
            raise NeuroglotError(f"not JSON: {error}", where) from error


def _parquet_rows(file: Path) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(file).to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise NeuroglotError(f"not readable as Parquet: {reason}", str(file)) from error
    for number, row in enumerate(rows, start=1):
        yield f"{file}: row {number}", row


def _sentences(rows: Iterable[Row]) -> Iterator[Sentence]:
    for number, (where, row) in enumerate(rows, start=1):
        if not isinstance(row, Mapping) or "text" not in row:
            raise NeuroglotError("no 'text' in this row", where)
        document = row.get("document")
        yield f"row {number}" if document is None else str(document), clean(row["text"], where)


def clean(text: object, where: str) -> str:
    """The text as the model shall read it.

    Raises:
        NeuroglotError: It is no string, blank, or not Unicode.
    """
    if not isinstance(text, str):
        raise NeuroglotError(f"text must be a string, not {type(text).__name__}", where)
    sentence = normalize("NFC", text.strip())
    if not sentence:
        raise NeuroglotError("blank sentence", where)
    try:
        sentence.encode()
    except UnicodeEncodeError as error:
        # JSON can spell half a surrogate pair, which no tokenizer can read.
        raise NeuroglotError("half a surrogate pair in the text", where) from error
    return sentence


def _documents(sentences: Iterable[Sentence], where: str) -> tuple[Document, ...]:
    """Group sentences by document, both in the order in which they come."""
    grouped: dict[str, list[str]] = {}
    for id, sentence in sentences:
        grouped.setdefault(id, []).append(sentence)
    if not grouped:
        raise NeuroglotError("no sentences", where)
    return tuple(Document(id, tuple(texts)) for id, texts in grouped.items())
