"""`neuroglot neg` as a new user would call it."""

import json

import pytest


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    pairs = [("one two", " three"), ("", "x"), ("Asia", "a")]
    lines = [json.dumps({"prompt": prompt, "target": target}) for prompt, target in pairs]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


FEW = ("--neurons", "4", "--grid", "1:0.5")


def test_prints_the_table_and_resumes(neuroglot, home, prompts, tmp_path, monkeypatch):
    out = tmp_path / "neg"
    said = neuroglot("neg", home / "model", "--prompts", prompts, *FEW, "--shift", "sign", "--out", out)
    assert said.code == 0, said.err
    assert "prompt 1: the prompt is empty" in said.err
    assert "mlp, shift: sign" in said.out
    assert "neurgrad" in said.out
    assert "0.814" in said.out
    assert "4 neurons, prompts: 2; " in said.out

    def again(*_, **__):
        raise AssertionError("this was measured")

    monkeypatch.setattr("neuroglot.study.empirical.measuring.measure", again)
    settings = tmp_path / "neg.yaml"
    told = {"model": str(home / "model"), "prompts": str(prompts), "neurons": 4, "reach": 1, "step": 0.5}
    settings.write_text(json.dumps(told), encoding="utf-8")
    found = json.loads(neuroglot("neg", settings, "--out", out, "--json").out)
    assert {row["shift"] for row in found["summary"]} == {"sign", "plain"}
    assert found["items"][1]["problem"] == "the prompt is empty"


def test_mistakes_are_one_line(refused, home, prompts, tmp_path):
    def line(*more):
        return refused("neg", home / "model", "--out", tmp_path / "out", *more)

    assert line() == "neg needs --prompts, a JSONL file with a prompt and its target a line"
    given = ("--prompts", prompts)
    assert line(*given, "--grid", "2") == "--grid: reach and step, as in 2:0.2, not '2'"
    assert line(*given, "--grid", "1:5").startswith("grid 1:5 has one point, and a line needs three")
    assert line(*given, *FEW, "--site", "mpl").startswith("unknown site 'mpl'; did you mean 'mlp'")
    assert line("--prompts", tmp_path / "no.jsonl").startswith("there is no file")
