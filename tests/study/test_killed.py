"""kill -9 at any moment: what is there is whole, and a run started again ends where it would have."""

import json
import multiprocessing
import os
import random
import sys
import time
from multiprocessing.forkserver import _forkserver
from pathlib import Path

import pytest

from neuroglot.statistics.shard import load_shard
from neuroglot.study.run import Run
from tiny_study import results, run_and_report, run_stages, same_results, same_tables

MOMENTS = [
    ("study.yaml", 1),
    ("manifest.json", 1),
    ("bank/*/*.zarr.zip", 1),
    ("bank/*/*.zarr.zip", 2),
    ("bank/*/*.json", 1),
    ("sets/**/*.json", 1),
    ("sets/**/*.json", 4),
    ("sets/**/*.json", 9),
    ("ablation/*.zarr.zip", 1),
    ("ablation/*.zarr.zip", 2),
    ("ablation/*.zarr.zip", 3),
    ("ablation/*.zarr.zip", 5),
    ("results/*.csv", 1),
    ("results/*.csv", 3),
    ("results/*.csv", 5),
    ("report/charts/*.svg", 1),
]
"""Kill soon after so many of these files are there; the stages one after the other."""

PRELOADED = [
    "tiny_study",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.gemma3.modeling_gemma3",
]


@pytest.fixture
def start(monkeypatch):
    """Starts a run in a process that has imported everything already, so that a kill hits the work."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)

    def start(target, *arguments):
        process = context.Process(target=target, args=arguments)
        process.start()
        return process

    yield start
    # The server outlives the test otherwise, with an environment that is gone.
    _forkserver._stop()


@pytest.mark.slow
def test_a_run_survives_kill_9_at_any_moment(home, study, tmp_path, start):
    whole, folder = home / "run", tmp_path / "run"
    dice = random.Random(0)
    for pattern, count in MOMENTS:
        target = run_and_report if pattern.startswith("report") else run_stages
        process = start(target, folder, study())
        while process.is_alive() and len(list(folder.glob(pattern))) < count:
            time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.1))
        assert process.exitcode in (None, 0)
        process.kill()
        process.join()
        only_whole_files(folder, whole)

    process = start(run_and_report, folder, study())
    process.join()
    assert process.exitcode == 0
    same_results(folder, whole)
    assert {path.name for path in folder.rglob(".*")} == {".lock"}
    assert (folder / "report/index.html").read_text("utf-8").rstrip().endswith("</html>")
    sets = {path.relative_to(whole): path.read_bytes() for path in (whole / "sets").rglob("*.json")}
    assert {path.relative_to(folder): path.read_bytes() for path in (folder / "sets").rglob("*.json")} == sets


def only_whole_files(folder: Path, whole: Path) -> None:
    """Every file under its final name can be read to its end, and says what the uninterrupted run's does."""
    for path in folder.rglob("*.zarr.zip"):
        load_shard(path)
    for path in folder.rglob("*.json"):
        json.loads(path.read_text("utf-8"))
    same_tables(results(folder), results(whole))
    for path in folder.glob("sets/**/*.json"):
        assert path.read_bytes() == (whole / path.relative_to(folder)).read_bytes()
    if (folder / "study.yaml").exists():
        assert Run.open(folder).study.digest == Run.open(whole).study.digest
