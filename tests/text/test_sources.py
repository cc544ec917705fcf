import json
import os
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.text import Corpus, Document


def write(folder, name, content):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def jsonl(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_aligned_text(tmp_path):
    write(tmp_path, "DOCUMENT_IDS.tsv", "news\nnews\ntale\n")
    write(tmp_path, "en.txt", "One.\nTwo.\nThree.\n")
    write(
        tmp_path, "vi.txt", "\ufeffMột.\r\n  Hai. \r\nBa."
    )  # byte order mark, Windows line ends, no final one
    write(tmp_path, "README.txt", "not a language")
    corpus = Corpus.from_files(tmp_path)
    assert corpus.name == tmp_path.name
    assert corpus.parallel
    assert corpus.documents == {
        "en": (Document("news", ("One.", "Two.")), Document("tale", ("Three.",))),
        "vi": (Document("news", ("Một.", "Hai.")), Document("tale", ("Ba.",))),
    }
    assert Corpus.from_files(tmp_path, ["vi"]).languages == ("vi",)


def test_text_in_blocks(tmp_path):
    write(tmp_path, "en.txt", "One.\nTwo.\n\n  \nThree.\u2028Still three.\n")
    corpus = Corpus.from_files(tmp_path)
    assert not corpus.parallel
    assert corpus.documents["en"] == (
        Document("line 1", ("One.", "Two.")),
        Document("line 5", ("Three.\u2028Still three.",)),
    )


def test_jsonl_and_parquet(tmp_path):
    rows = [{"text": "a", "document": "x"}, {"text": "b"}, {"text": "c", "document": "x"}]
    write(tmp_path, "en.jsonl", jsonl(*rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "vi.parquet")
    corpus = Corpus.from_files(str(tmp_path))
    expected = (Document("x", ("a", "c")), Document("row 2", ("b",)))
    assert corpus.documents == {"en": expected, "vi": expected}


def test_text_is_composed(tmp_path):
    write(tmp_path, "vi.txt", unicodedata.normalize("NFD", "Tiếng Việt.") + "\n")
    assert Corpus.from_files(tmp_path).documents["vi"][0].sentences == ("Tiếng Việt.",)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({}, ": no <language>.txt, .jsonl or .parquet file"),
        ({"en.txt": ""}, "/en.txt: the file is empty"),
        ({"en.txt": " \n\n"}, "/en.txt: the file is empty"),
        ({"en.txt": b"caf\xe9\n"}, "/en.txt: not UTF-8 at byte 3"),
        ({"en.txt": "a\n", "en.jsonl": jsonl({"text": "a"})}, ": language 'en' has en.jsonl and en.txt"),
        ({"en.txt": "a\n", "DOCUMENT_IDS.tsv": "x\nx\n"}, "/en.txt: 1 lines, but DOCUMENT_IDS.tsv has 2"),
        ({"en.txt": "a\n \nc\n", "DOCUMENT_IDS.tsv": "x\nx\nx\n"}, "/en.txt:2: blank sentence"),
        ({"en.txt": "a\nb\n", "DOCUMENT_IDS.tsv": "x\n\n"}, "/DOCUMENT_IDS.tsv:2: blank document id"),
        ({"en.jsonl": jsonl({"text": "a"}) + "{\n"}, "/en.jsonl:2: not JSON: "),
        ({"en.jsonl": jsonl({"text": "a"}, {"txt": "b"})}, "/en.jsonl:2: no 'text' in this row"),
        ({"en.jsonl": jsonl(["text"])}, "/en.jsonl:1: no 'text' in this row"),
        ({"en.jsonl": jsonl({"text": 3})}, "/en.jsonl:1: text must be a string, not int"),
        ({"en.jsonl": jsonl({"text": "\u200a"})}, "/en.jsonl:1: blank sentence"),
        ({"en.jsonl": '{"text": "\\ud83d"}\n'}, "/en.jsonl:1: half a surrogate pair"),
        ({"en.parquet": b"PAR1"}, "/en.parquet: not readable as Parquet: "),
    ],
)
def test_what_cannot_be_read_says_where(tmp_path, contents, message):
    for name, content in contents.items():
        write(tmp_path, name, content)
    with pytest.raises(NeuroglotError) as error:
        Corpus.from_files(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}{message}")
    assert "\n" not in str(error.value)


def test_languages_are_checked_before_anything_is_read(tmp_path):
    write(tmp_path, "en.txt", "")
    write(tmp_path, "vi.txt", "a\n")
    assert Corpus.from_files(tmp_path, ["vi"]).languages == ("vi",)
    with pytest.raises(NeuroglotError, match="unknown language 'vn'; did you mean 'vi'"):
        Corpus.from_files(tmp_path, ["vn"])
    with pytest.raises(NeuroglotError, match="language 'vi' is asked for twice"):
        Corpus.from_files(tmp_path, ["vi", "vi"])


def test_no_folder(tmp_path):
    write(tmp_path, "en.txt", "a\n")
    with pytest.raises(NeuroglotError, match="nowhere: no such folder"):
        Corpus.from_files(tmp_path / "nowhere")
    with pytest.raises(NeuroglotError, match=r"en\.txt: not a folder"):
        Corpus.from_files(tmp_path / "en.txt")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A folder in the layout of a hub dataset with one configuration a language."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "wiki"
    folder.mkdir()
    for language in ("en", "vi"):
        rows = [{"text": f"{language} {i}", "title": f"page {i // 2}"} for i in range(6)]
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{language}.parquet")
    configs = "".join(f"- config_name: w.{lang}\n  data_files: {lang}.parquet\n" for lang in ("en", "vi"))
    write(folder, "README.md", f"---\nconfigs:\n{configs}---\n")
    return str(folder)


def test_hub(hub):
    corpus = Corpus.from_hub(hub, {"vi": "w.vi", "en": "w.en"}, document_column="title")
    assert corpus.languages == ("vi", "en")
    assert not corpus.parallel
    assert corpus.documents["vi"][1] == Document("page 1", ("vi 2", "vi 3"))


def test_hub_streams_the_first_rows(hub):
    corpus = Corpus.from_hub(hub, ["w.vi"], limit=2)
    assert corpus.documents == {"w.vi": (Document("row 1", ("vi 0",)), Document("row 2", ("vi 1",)))}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": ["w.xx"]}, "w.xx, train: BuilderConfig 'w.xx' not found. Available: "),
        ({"languages": ["w.vi", "w.vi"]}, "wiki: language 'w.vi' is asked for twice"),
        ({"split": "test"}, 'w.vi, test: Unknown split "test"'),
        ({"column": "txt"}, "w.vi, train: no column 'txt'"),
        ({"document_column": "url", "limit": 1}, "w.vi, train: no column 'url'"),
    ],
)
def test_hub_mistakes(hub, options, message):
    with pytest.raises(NeuroglotError) as error:
        Corpus.from_hub(hub, **{"languages": ["w.vi"], **options})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_hub_without_a_network(monkeypatch):
    datasets = pytest.importorskip("datasets")

    def unreachable(*_, **__):
        raise ConnectionError("Couldn't reach the Hub")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(NeuroglotError, match="the hub cannot be reached; without a network"):
        Corpus.from_hub("wikimedia/wikipedia", {"vi": "20231101.vi"})


def test_commons():
    corpus = Corpus.commons(["vi", "en"])
    assert (corpus.name, corpus.license, corpus.languages) == ("commons", "CC0-1.0", ("vi", "en"))
    assert corpus.parallel
    assert corpus.sentences("vi") >= 120
    parts = corpus.split(identify=12, report=12)
    assert all(len(part.documents["en"]) == 12 for part in parts.values())


@pytest.mark.skipif("NEUROGLOT_DATA" not in os.environ, reason="NEUROGLOT_DATA names no folder of real text")
def test_real_parallel_text():
    corpus = Corpus.from_files(
        Path(os.environ["NEUROGLOT_DATA"]) / "parallel" / "ntrex128", ["en", "vi", "hi"]
    )
    assert corpus.parallel
    assert [corpus.sentences(language) for language in corpus.languages] == [1997] * 3
    assert len(corpus.documents["hi"]) == 123
    assert corpus.documents["en"][0].id == "bbc.381790"
    parts = corpus.split(identify=0.5, report=0.5)
    assert [len(part.documents["vi"]) for part in parts.values()] == [61, 61]
