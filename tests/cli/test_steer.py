"""`neuroglot steer` as a new user would call it."""

import json


def test_prints_every_strength_and_keeps_tables(neuroglot, home, tmp_path, study):
    folder = tmp_path / "questions"
    folder.mkdir()
    for language in ("en", "fr", "vi"):
        lines = [json.dumps({"id": n, "text": f"{language} {n}?"}) for n in range(4)]
        (folder / f"{language}.jsonl").write_text("\n".join(lines), "utf-8")
    asked = {"questions": str(folder), "context": 128}
    run = tmp_path / "run"
    assert neuroglot("score", study(generation=asked), "--out", run).code == 0
    assert neuroglot("select", run).code == 0
    arguments = ("steer", run, "--pairs", "en-vi,vi-fr", "--enhance", "2,5", "--add", "", "--diffmean", "1")
    little = (*arguments, "--diffmean-layer", "1", "--questions", "2", "--max-new-tokens", "4")
    said = neuroglot(*little)
    assert said.code == 0, said.err
    for words in ("en → vi", "vi → fr", "all pairs", "enhance", "matched random", "diffmean", "replace"):
        assert words in said.out
    assert "Multiplying the target's neurons" in said.out and "Adding multiples" not in said.out
    table = (run / "tasks" / "tables" / "steering.csv").read_text("utf-8")
    assert table.startswith("method,control,strength,source,target,questions,in_target,")
    found = json.loads(neuroglot(*little, "--json").out)
    strengths = {row["strength"] for row in found["steering"] if row["method"] == "enhance"}
    assert strengths == {2, 5} and "steering_layer" not in found


def test_mistakes_are_one_line(refused, home):
    run = home / "run"
    assert refused("steer", run, "--pairs", "en-vo").startswith(
        "--pairs: unknown pair of languages 'en-vo'; did you mean 'en-vi'"
    )
    assert refused("steer", run, "--enhance", "two") == (
        "--enhance 'two': numbers with commas between, as in 2,5"
    )
    assert "finite" in refused("steer", run, "--add", "inf")
    assert "recipe of this study 'lape'" in refused("steer", run, "--recipe", "lape")
