"""`neuroglot benchmark` as a new user would call it."""

import json
import shutil

import pytest

from tiny_tasks import write_nlu


@pytest.fixture
def run(home, tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROGLOT_DATA", str(write_nlu(tmp_path)))
    shutil.copytree(home / "run", tmp_path / "run")
    return tmp_path / "run"


def pieces(run):
    return {path: path.stat().st_mtime_ns for path in (run / "tasks").glob("*/benchmarks/*.json")}


def test_a_table_and_then_json_without_asking_again(neuroglot, run):
    said = neuroglot("benchmark", run, "--limit", 4)
    assert said.code == 0, said.err
    assert "xnli, base" in said.out
    assert "everything_off" in said.out
    assert "Dim: the untouched model" in said.out
    assert (run / "tasks" / "tables" / "benchmark.csv").is_file()
    there = pieces(run)
    assert there
    tasks = "xnli=en:neuroglot_xnli_en,fr:neuroglot_xnli_fr,vi:neuroglot_xnli_vi"
    told = json.loads(neuroglot("benchmark", run, "--limit", 4, "--tasks", tasks, "--json").out)
    assert pieces(run) == there
    assert {row["items"] for row in told["benchmark"]} == {4}
    assert told["benchmark_f1"]


def test_a_task_that_does_not_exist(neuroglot, run):
    said = neuroglot("benchmark", run, "--tasks", "xnli=en:neuroglot_xnli_enn,vi:neuroglot_xnli_vi")
    assert said.code == 1
    assert "did you mean 'neuroglot_xnli_en'?" in said.err
    assert not pieces(run)
