"""`neuroglot generate` on the tiny run: tables, JSON, one mask's answers from a server."""

import json
from unittest.mock import patch

import pytest

from completions import engine, serving
from neuroglot.evaluation.answers import live
from neuroglot.study.tasks import answer_pieces
from tiny_study import WORDS


@pytest.fixture
def asking(tmp_path):
    """A folder of one short question a language: the tiny model has 128 positions."""
    for language, of in WORDS.items():
        (tmp_path / f"{language}.jsonl").write_text(json.dumps({"id": 1, "text": of[0]}), "utf-8")
    return tmp_path


def test_answers_by_mask(neuroglot, finished, asking):
    command = ("generate", finished, "--questions", asking, "--profile", "quick")
    said = neuroglot(*command)
    assert said.code == 0, said.err
    assert "everything_off" in said.out
    assert "chrF" in said.out
    assert "asked in" in said.out
    with patch.object(answer_pieces, "write", side_effect=AssertionError):
        again = neuroglot(*command, "--json")
    frames = json.loads(again.out)
    assert set(frames) == {"folder", "answers", "generation", "generation_f1", "fallback"}
    assert {row["language"] for row in frames["answers"]} == set(WORDS)
    assert max(row["tokens"] for row in frames["answers"]) <= 64
    assert (finished / "tasks" / "tables" / "generation.csv").is_file()


def test_one_mask_from_a_server(neuroglot, finished, asking, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a-secret-key")
    command = ("generate", finished, "--questions", asking, "--profile", "quick")
    with serving(engine("repetition_penalty")) as (url, _):
        served = neuroglot(*command, "--engine", "openai", "--base-url", url, "--mask", "uniform 0")
    assert served.code == 0, served.err
    assert "Kept the answers of mask 'uniform 0'; 1 of" in served.out
    frames = json.loads(neuroglot(*command, "--json").out)
    (one,) = (row for row in frames["answers"] if row["mask"] == "uniform 0" and row["language"] == "en")
    assert one["answer"] == "Question: rain\nAnswer: again"
    for file in finished.rglob("*"):
        assert not file.is_file() or b"a-secret-key" not in file.read_bytes()


def test_the_study_says_how_unless_the_command_does(neuroglot, finished, asking):
    seen = []

    def noting(model, asks, writing, *rest):
        seen.append(writing.max_new_tokens)
        return live.write(model, asks, live.Writing(2), *rest)

    with patch.object(answer_pieces, "write", noting):
        neuroglot("generate", finished, "--questions", asking)
        neuroglot("generate", finished, "--questions", asking, "--profile", "quick")
    assert set(seen) == {2048, 64}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--engine", "openai"], "told together or not at all"),
        (["--mask", "none"], "told together or not at all"),
        (["--questions", "nowhere"], "no folder of questions 'nowhere'"),
        (["--profile", "paper"], "leaves no room for max_new_tokens: 2048"),
    ],
)
def test_what_cannot_be(refused, finished, arguments, line):
    assert line in refused("generate", finished, *arguments)
