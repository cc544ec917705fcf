"""A driver that is killed, a disk that fills up, a folder that vanishes: one line, and the run goes on."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.shard import load_shard
from neuroglot.study import reading
from neuroglot.study.run import Run
from tiny_study import results, run_stages, same_results, same_tables, write_study

TESTS = Path(__file__).parents[1]


@pytest.fixture
def start():
    """Starts a script in a process of its own, which finds the tests' modules."""
    started = []

    def start(script: str, *arguments: object, before: tuple[str, ...] = ()) -> subprocess.Popen:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
        command = [*before, sys.executable, "-c", script, *map(str, arguments)]
        started.append(subprocess.Popen(command, env=environment, stdout=-1, stderr=-1, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.mark.slow
def test_a_driver_killed_with_its_workers_at_work_is_followed_by_another(home, tmp_path, start):
    pytest.importorskip("ray")
    file = write_study(tmp_path / "study.yaml", home, executor={"kind": "ray", "workers": 2})
    folder, script = tmp_path / "run", "import executor_work, sys; executor_work.run_slowly(*sys.argv[1:])"
    driver = start(script, file, folder)
    while len(list(folder.glob("bank/*/*.zarr.zip"))) < 3:
        assert driver.poll() is None, driver.stderr.read()
        time.sleep(0.02)
    children = psutil.Process(driver.pid).children(recursive=True)
    crew = [each for each in children if each.name().startswith("ray::Worker")]  # each holds a replica
    assert len(crew) == 2
    driver.kill()
    driver.wait()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("bank/*/*.zarr.zip")}
    assert len(kept) >= 3
    for path in kept:
        load_shard(path)
    assert not Run.open(folder).manifest.get("stages")
    _, alive = psutil.wait_procs(crew, timeout=60)
    assert not alive

    again = start(script, file, folder)
    assert again.wait(timeout=300) == 0, again.stderr.read()
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(list(folder.glob("bank/*/*.zarr.zip"))) > len(kept)
    same_results(folder, home / "run")


FILLS = """
import subprocess, sys
from pathlib import Path
from neuroglot.errors import NeuroglotError
from neuroglot.statistics.shard import load_shard
from neuroglot.study import reading
from neuroglot.study.config import load_study
from tiny_study import results, run_stages

disk, study = sys.argv[1:]
reading.SHARD_TOKENS = 60
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", disk], check=True)
run, messages = Path(disk) / "run", []
for size in range(200, 3000, 200):
    subprocess.run(["mount", "-o", f"remount,size={size}k", disk], check=True)
    try:
        run_stages(run, load_study(study))
        break
    except NeuroglotError as error:
        messages.append(str(error))
        assert not [path for path in run.rglob(".*.*.*")], "half-written"
        kept = {path: path.stat().st_mtime_ns for path in run.rglob("*.zarr.zip")}
        for path in kept:
            load_shard(path)
else:
    sys.exit("it never came to an end")
if not {path: path.stat().st_mtime_ns for path in kept}.items() <= {
    path: path.stat().st_mtime_ns for path in run.rglob("*.zarr.zip")
}.items():
    sys.exit("what was finished was done again")
import json
print(json.dumps([messages, {name: table.decode() for name, table in results(run).items()}]))
"""


@pytest.mark.slow
def test_a_disk_that_fills_up_stops_the_run_in_one_line_and_room_lets_it_go_on(home, tmp_path, start):
    """A real one, of a few kilobytes, that gets a little larger after every failure."""
    alone = ("unshare", "-Urm")
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    disk = tmp_path / "disk"
    disk.mkdir()
    script = start(FILLS, disk, home / "study.yaml", before=alone)
    output, errors = script.communicate(timeout=300)
    assert script.returncode == 0, errors
    messages, found = json.loads(output.splitlines()[-1])
    assert any("/disk/run/bank/" in message for message in messages)
    for message in messages:
        assert "\n" not in message
        assert f"in the folder '{disk}/run" in message
        assert message.endswith("No space left on device")
    same_tables({name: table.encode() for name, table in found.items()}, results(home / "run"))


@pytest.mark.parametrize("stage", ["score", "ablate", "between"])
def test_a_run_folder_that_vanishes_is_named_and_not_made_anew(study, tmp_path, monkeypatch, home, stage):
    """As an unmounted network folder does; it comes back, and the run goes on."""
    from neuroglot.study import ablating

    folder, away = tmp_path / "run", tmp_path / "away"
    monkeypatch.setattr(reading, "SHARD_TOKENS", 60)
    run = Run.begin(folder, study())
    calls = []

    def vanishing(work, *arguments, **options):
        calls.append(work)
        if len(calls) == 3:
            folder.rename(away)
        return work(*arguments, **options)

    module, name = (reading, "score_samples") if stage == "score" else (ablating, "likelihood")
    work = getattr(module, name)
    if stage != "between":
        monkeypatch.setattr(module, name, lambda *rest, **options: vanishing(work, *rest, **options))
    with pytest.raises(NeuroglotError) as caught, run.lock():
        run.score()
        if stage == "between":
            folder.rename(away)
        run.select()
        run.ablate()
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not folder.exists()
    away.rename(folder)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "SHARD_TOKENS", 60)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.zarr.zip")}
    assert before
    run_stages(folder, study())
    assert before.items() <= {path: path.stat().st_mtime_ns for path in folder.rglob("*.zarr.zip")}.items()
    same_results(folder, home / "run")
