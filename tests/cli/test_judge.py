"""`neuroglot judge` as a new user would call it."""

import json

import pandas as pd
import pytest

from judge_server import judge_server, refuses, says
from neuroglot.study.run import Run
from neuroglot.study.tasks.tables import keep

SECRET = "sk-a-secret-of-ours-789"


@pytest.fixture
def server():
    with judge_server() as found:
        yield found


@pytest.fixture
def answered(finished):
    """A finished run with a few answers, one of them empty."""
    rows = [
        {
            "subject": "base", "mask": mask, "recipe": recipe, "kind": kind, "target": target,
            "language": language, "question": number, "text": f"{language} {number}?",
            "answer": "" if (target, number, language) == ("en", 1, "fr") else f"{mask} {language} {number}",
        }
        for mask, recipe, kind, target in (
            ("none", "", "none", ""),
            ("grad_act zero en", "grad_act", "recipe", "en"),
        )
        for language in ("en", "fr")
        for number in range(3)
    ]  # fmt: skip
    keep(Run.open(finished), {"answers": pd.DataFrame(rows)})
    return finished


def test_prints_a_table_and_asks_once(neuroglot, answered, server, monkeypatch, caplog):
    monkeypatch.setenv("OUR_KEY", SECRET)
    server.script = [says("prose")]
    command = ("judge", answered, "--base-url", server.base_url, "--model", "m", "--key-env", "OUR_KEY")
    said = neuroglot(*command, "--again", "1")
    assert said.code == 0, said.err
    assert "Marks of the base model's answers, 1 to 10" in said.out
    assert "grad_act zero en" in said.out
    assert "1 of 6" in said.out
    assert "judged twice, 10 answers got the same mark in 100%" in said.out
    assert "1 of 23 answers got no mark" in caplog.text
    assert {body["model"] for body in server.requests} == {"m"}
    assert len(server.requests) == 22
    found = json.loads(neuroglot(*command, "--again", "1", "--json").out)
    assert len(server.requests) == 22
    assert {row["score"] for row in found["judge"]} == {7, 5}  # (7 + 1 + 7) / 3, the empty one
    assert isinstance(found["judge_f1"][0]["f1"], float)
    assert len(found["judged"]) == 23
    assert SECRET not in said.out + said.err
    holds = [path for path in answered.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert holds == []


def test_mistakes_are_one_line(refused, answered, finished, server, monkeypatch):
    monkeypatch.setenv("OUR_KEY", SECRET)
    assert refused("judge", answered).startswith("the study names no judge: --base-url https://host/v1 does")
    line = refused("judge", answered, "--base-url", "host:80")
    assert line.startswith("judge: base_url: expected 'bundled' or https://host/v1")
    server.usual = refuses(401, SECRET)
    line = refused("judge", answered, "--base-url", server.base_url, "--key-env", "OUR_KEY")
    assert line == f"the judge at {server.base_url} refuses the key in OUR_KEY (401)"


def test_without_answers_it_says_who_writes_them(refused, finished, server):
    line = refused("judge", finished, "--base-url", server.base_url)
    assert line.endswith(f"`neuroglot generate {finished}` writes them")
    assert server.requests == []
