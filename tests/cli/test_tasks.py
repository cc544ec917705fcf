"""A study that asks for every task, as `neuroglot run` does it, and what it says before it begins."""

import json

import pytest

from judge_server import judge_server
from tiny_tasks import write_nlu
from tiny_transfer import tuned_folder


@pytest.fixture
def asking(study, tmp_path, tmp_path_factory, monkeypatch):
    """The tiny study with everything that can be asked of a mask; its chat model is a tuned copy."""
    monkeypatch.setenv("NEUROGLOT_DATA", str(write_nlu(tmp_path / "data")))
    xnli = {language: f"neuroglot_xnli_{language}" for language in ("en", "fr", "vi")}

    def make(**changes):
        return study(
            **{
                "recipes": ["grad_act"],
                "interventions": {"zero": "all"},
                "chat": str(tuned_folder(tmp_path_factory.getbasetemp())),
                "benchmarks": {"panels": {"xnli": xnli}, "limit": 6},
                "generation": {"count": 2, "max_new_tokens": 4, "context": 200},
                "steering": {
                    "questions": 2, "max_new_tokens": 4, "pairs": [["en", "fr"]],
                    "enhance": [2], "add": [], "diffmean": [1], "diffmean_layer": 0,
                },
            }
            | changes
        )  # fmt: skip

    return make


def test_run_does_every_task_once_and_shows_it(neuroglot, asking, tmp_path):
    with judge_server() as judge:
        file = asking(judge={"base_url": judge.base_url})
        said = neuroglot("run", file, "--out", tmp_path / "run", "--json")
        assert said.code == 0, said.err
        found = json.loads(said.out)["tasks"]
        assert {row["subject"] for row in found["benchmark"]} == {"base", "chat"}
        assert {"answers", "generation_f1", "fallback", "judge", "judge_f1", "steering"} <= found.keys()
        asked = len(judge.requests)
        again = neuroglot("run", file, "--out", tmp_path / "run", "--json")
        assert json.loads(again.out)["tasks"] == found
        assert len(judge.requests) == asked > 0
    page = (tmp_path / "run" / "report" / "index.html").read_text("utf-8")
    assert 'id="tasks"' in page
    for chart in ("benchmarks", "chat", "answer_language", "fallback", "marks", "steering"):
        assert f'id="{chart}"' in page, chart


def test_a_study_that_has_changed_shows_no_old_task(neuroglot, asking, tmp_path):
    file = asking(chat=None, generation=None, steering=None)
    assert neuroglot("run", file, "--out", tmp_path / "run").code == 0
    file = asking(chat=None, generation=None, steering=None, benchmarks=None, budget="10%")
    said = neuroglot("run", file, "--out", tmp_path / "run", "--json")
    assert json.loads(said.out)["tasks"] == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"chat": "runs/no/such/model"}, "there is no folder 'runs/no/such/model'"),
        ({"benchmarks": {"panels": {"x": {"en": "neuroglot_xnli_em"}}}}, "neuroglot_xnli_en"),
        ({"generation": {"questions": "nowhere"}}, "nowhere"),
        ({"generation": None, "judge": {"base_url": "http://127.0.0.1:9/v1"}}, "no answers to judge"),
    ],
)
def test_what_tasks_lack_is_said_before_anything_is_read(refused, asking, tmp_path, changes, expected):
    assert expected in refused("run", asking(**changes), "--out", tmp_path / "run")
    assert not (tmp_path / "run" / "bank").exists()


def test_dry_run_counts_every_part_and_reads_nothing(neuroglot, asking, tmp_path):
    said = neuroglot("run", asking(), "--out", tmp_path / "run", "--dry-run", "--json")
    found = json.loads(said.out)
    parts = {part["name"]: part["tokens"] for part in found["parts"]}
    # Nothing, everything, a random set, three languages' sets and matched controls; on chat none random.
    assert parts["generation"] == (9 + 5) * (3 * 2) * 4
    assert parts["benchmarks"] == (9 + 5) * 3 * 6 * 120
    assert found["seconds"] == pytest.approx(sum(part["seconds"] for part in found["parts"]))
    assert not (tmp_path / "run").exists()


def test_dry_run_knows_a_model_that_is_not_here_by_its_name(neuroglot, asking, monkeypatch):
    monkeypatch.setattr("neuroglot.model.loading._hub_answers", lambda: False)
    file = asking(model="nobody/Llama-2-7b-hf", chat=None, dtype="bfloat16")
    found = json.loads(neuroglot("run", file, "--dry-run", "--json").out)
    assert found["size"] == {"body": 7_000_000_000, "head": 0, "cache": 0, "known_from": "name"}
    assert 14e9 < found["memory"] < 30e9
    assert "assumed" in found["machine"]["name"]
