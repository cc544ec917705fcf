"""The harness's own command line, as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.harness.lm import HarnessModel
from neuroglot.evaluation.harness.loading import TASKS, load_benchmarks
from neuroglot.evaluation.harness.registered import RegisteredModel
from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from tiny import save_tiny
from tiny_tasks import ITEMS, write_nlu

LM_EVAL = str(Path(sys.executable).parent / "lm_eval")
NAME = "neuroglot_xnli_vi"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("registered")
    save_tiny(home / "model")
    write_nlu(home / "data")
    mask = np.random.default_rng(0).random((3, 48)) < 0.4
    NeuronSet("mlp", mask, "vi").save(home / "vi.json")
    # What an installed package with this entry point looks like: torch calls it at the end of its own import.
    about = home / "plugin" / "plugin-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[torch.backends]\nneuroglot = neuroglot.evaluation.harness:register\n"
    )
    return home


@pytest.fixture
def expected(home, monkeypatch):
    """What every choice of every item gets with the neurons off."""
    monkeypatch.setenv("NEUROGLOT_DATA", str(home / "data"))
    model = LanguageModel.load(home / "model", precision="float32")
    benchmark = load_benchmarks([NAME], limit=ITEMS)[NAME]
    lm = HarnessModel(model)
    untouched = [answer.said for answer in benchmark.ask(lm)]
    with intervene(model, Intervention(NeuronSet.load(home / "vi.json"))):
        said = [answer.said for answer in benchmark.ask(lm)]
    assert not np.allclose(said, untouched, atol=1e-3)
    return said


@pytest.mark.slow
@pytest.mark.parametrize("way", ["module", "file of ours", "entry point"])
def test_the_harness_knows_our_model(home, expected, tmp_path, way):
    command, tasks, path = [LM_EVAL], ["--include_path", str(TASKS), "--tasks", NAME], ""
    if way == "module":
        command = [sys.executable, "-m", "neuroglot.evaluation.harness"]
    elif way == "file of ours":
        tasks = ["--tasks", str(TASKS / "xnli" / "vi.yaml")]
    else:
        path = str(home / "plugin")
    arguments = f"pretrained={home / 'model'},neurons={home / 'vi.json'},precision=float32"
    options = ["--model_args", arguments, *tasks, "--log_samples", "--output_path", str(tmp_path)]
    done = subprocess.run(
        [*command, "--model", "neuroglot", *options],
        env=os.environ | {"PYTHONPATH": path, "NEUROGLOT_DATA": str(home / "data"), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (samples,) = tmp_path.rglob(f"samples_{NAME}*.jsonl")
    lines = [json.loads(line) for line in samples.read_text("utf-8").splitlines()]
    said = [[float(response[0][0]) for response in line["resps"]] for line in lines]
    np.testing.assert_allclose(said, expected, atol=1e-3)


def test_it_is_on_for_good(home, expected, monkeypatch):
    lm = RegisteredModel(str(home / "model"), str(home / "vi.json"), precision="float32", device="cuda:0")
    benchmark = load_benchmarks([NAME], limit=ITEMS)[NAME]
    np.testing.assert_allclose([answer.said for answer in benchmark.ask(lm)], expected, atol=1e-3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kind": "grand_mean"}, "needs mean activations, which only a run has"),
        ({"kind": "zer"}, "did you mean 'zero'"),
        ({"neurons": "nowhere.json"}, "there is no neuron set"),
    ],
)
def test_what_it_cannot_do_is_one_line(home, more, message):
    with pytest.raises(NeuroglotError, match=message):
        RegisteredModel(str(home / "model"), **more)
