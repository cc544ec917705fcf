"""`neuroglot transfer` as a new user would call it."""

import json
import shutil

import pytest

from neuroglot.report.transfer import page
from tiny_transfer import save_other, tuned_folder


@pytest.fixture(scope="session")
def tuned(tmp_path_factory):
    return tuned_folder(tmp_path_factory.getbasetemp())


@pytest.fixture
def one_chart(monkeypatch):
    """The charts are tested elsewhere, and take long."""
    monkeypatch.setattr(page, "GALLERY", page.GALLERY[:1])


def test_prints_a_table_and_writes_a_page(neuroglot, home, tuned, tmp_path, one_chart, monkeypatch):
    folder = tmp_path / "transfer"
    said = neuroglot("transfer", home / "run", tuned, "--out", folder)
    assert said.code == 0, said.err
    assert "grad_act · zero · on tuned" in said.out
    assert "everything off" in said.out
    assert "On tuned the sets of grad_act" in said.out or "On model itself the sets of grad_act" in said.out
    assert f"Report: {folder / 'report/index.html'}" in said.out
    assert (folder / "tables" / "survival.csv").read_text("utf-8").startswith("model,kind,recipe,baseline,")

    def again(*_, **__):
        raise AssertionError("this was finished")

    monkeypatch.setattr("neuroglot.study.ablating.likelihood", again)
    found = json.loads(neuroglot("transfer", home / "run", tuned, "--out", folder, "--json").out)
    assert {row["model"] for row in found["survival"]} == {"tuned"}
    assert {row["model"] for row in found["raw"]} == {"model", "tuned"}
    assert found["report"] == str(folder / "report" / "index.html")


def test_says_when_it_is_no_transfer(neuroglot, home, tmp_path, one_chart):
    said = neuroglot("transfer", home / "run", home / "model", "--out", tmp_path / "transfer")
    assert said.code == 0, said.err
    assert "has the very weights that the sets were found on: this is no transfer" in said.out


def test_a_pair_that_does_not_fit_is_one_line(refused, home, tmp_path):
    other = save_other(tmp_path / "other", num_hidden_layers=4)
    line = refused("transfer", home / "run", other, "--out", tmp_path / "transfer")
    assert line == f"{other}: sets found on model do not fit other: layers 3 against 4"


def test_a_run_without_sets_is_one_line(refused, home, tmp_path):
    run = shutil.copytree(home / "run", tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    for stage in ("select", "ablate", "evaluate"):
        del manifest["stages"][stage]
    (run / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    line = refused("transfer", run, "chat", "--out", tmp_path / "transfer")
    assert line == f"the run in '{run}' has not finished 'select': `neuroglot select {run}` does it"


def test_needs_a_model(neuroglot, home):
    said = neuroglot("transfer", home / "run")
    assert (said.code, said.out) == (2, "")
