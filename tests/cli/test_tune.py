"""`neuroglot tune` as a user would call it, on the tiny run."""

import json

import pandas as pd
import pytest

ARGUMENTS = ("--language", "vi", "--steps", "3", "--rates", "1e-3, 1e-2")


def test_tune_prints_table_and_sentences_and_writes_a_page(neuroglot, finished, tmp_path):
    said = neuroglot("tune", finished, *ARGUMENTS)
    assert said.code == 0, said.err
    folder = finished / "tune" / "grad_act-vi"
    assert "selected neurons" in said.out and "LoRA" in said.out
    assert "Tuning the neurons chosen for vi" in said.out
    assert "trainable numbers" in said.err
    page = (folder / "report" / "index.html").read_text("utf-8")
    assert "Tuning the neurons chosen for vi" in page
    assert "LangSpec-F1" not in page
    assert f"neuroglot tune {finished}" in page
    for name in ("changes", "differences", "curves"):
        assert (folder / "report" / "charts" / f"{name}.png").stat().st_size > 2000
    changes = pd.read_csv(folder / "results" / "changes.csv")
    again = neuroglot("tune", finished, *ARGUMENTS, "--json")
    document = json.loads(again.out)
    assert document["folder"] == str(folder)
    assert [row["arm"] for row in document["arms"]] == ["selected", "matched 0", "matched 1", "lora"]
    assert [row["change"] for row in document["changes"]] == pytest.approx(changes["change"].tolist())
    assert document["summary"][0] in said.out.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--language", "v"), "unknown language 'v'; did you mean 'vi'?"),
        (("--language", "vi", "--recipe", "lape_buget"), "did you mean 'lape_budget'?"),
        (("--language", "vi", "--steps", "0"), "tune: steps must be at least 1, and is 0"),
        (("--language", "vi", "--rates", "fast"), "--rates: numbers with commas between, not 'fast'"),
        (("--language", "vi", "--rates", ","), "tune: rates must be numbers between 0 and 1, not []"),
    ],
)
def test_mistakes(refused, finished, arguments, message):
    assert message in refused("tune", finished, *arguments)
    assert not (finished / "tune").exists()


def test_no_run(refused, tmp_path):
    assert "there is no run in" in refused("tune", tmp_path, "--language", "vi")
