"""Sets found on the tiny model, applied to a copy of it that has learnt some French."""

import json
import shutil

import numpy as np
import pytest

import neuroglot
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.evaluation.tables import tabulate
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.objective import samples_of
from neuroglot.statistics.shard import load_shard
from neuroglot.study.run import Run
from neuroglot.study.transfer import Transfer
from tiny_study import WORDS
from tiny_transfer import save_other


@pytest.fixture(scope="module")
def done(home, tuned, tmp_path_factory):
    """A finished transfer and its frames: leave them as they are."""
    transfer = Transfer.begin(home / "run", [str(tuned)], tmp_path_factory.mktemp("transfer"))
    return transfer, transfer.frames()


def test_every_mask_of_the_run_is_measured_on_the_other_model(done, home, tuned):
    transfer, frames = done
    run = Run.open(home / "run")
    measured = transfer.measure()
    assert list(measured) == ["model", "tuned"]
    assert measured["tuned"].masks == run.ablation.masks
    for name in ("language", "document", "sentence", "tokens"):
        assert measured["tuned"].data[name].values.tolist() == run.ablation.data[name].values.tolist()
    # One mask by hand: the set as it lies on disk, the report text as the other model reads it.
    model = LanguageModel.load(tuned, precision="float32")
    chosen = NeuronSet.load(home / "run/sets/grad_act/vi.json")
    samples = samples_of(model, run.text["report"])
    plain = likelihood(model, samples, {"x": Intervention(chosen)})["log_prob"].values[0]
    own = measured["tuned"].data["log_prob"].sel(mask="grad_act zero vi").values
    np.testing.assert_allclose(own, plain, rtol=1e-5)
    assert not np.allclose(own, run.ablation.data["log_prob"].sel(mask="grad_act zero vi").values, rtol=0.01)
    assert set(frames) == {"base", "drops", "langspec", "means", "raw", "survival", "f1"}


def test_a_baseline_puts_in_the_activations_of_the_first_model(done, home, tuned):
    run = Run.open(home / "run")
    model = LanguageModel.load(tuned, precision="float32")
    means = neuroglot.study.steps.activations_for("grand_mean", run.bank, "mlp")
    chosen = NeuronSet.load(home / "run/sets/grad_act/fr.json")
    act = Intervention(chosen, "grand_mean", means)
    plain = likelihood(model, samples_of(model, run.text["report"]), {"x": act})["log_prob"].values[0]
    own = done[0].measure()["tuned"].data["log_prob"].sel(mask="grad_act grand_mean fr").values
    np.testing.assert_allclose(own, plain, rtol=1e-5)


def test_the_tables_hold_both_models(done, home):
    _, frames = done
    run = Run.open(home / "run")
    own = tabulate(run.ablation, resamples=100, seed=0).means
    kept = frames["means"][frames["means"]["model"] == "model"].reset_index(drop=True)
    np.testing.assert_allclose(kept["f1_relative"], own["f1_relative"])
    for name in ("base", "drops", "langspec", "means", "raw"):
        assert list(frames[name]["model"].unique()) == ["model", "tuned"]
    for name in ("survival", "f1"):
        assert list(frames[name]["model"].unique()) == ["tuned"]
    rows = frames["survival"]
    assert {"grad_act", "lape_budget", "uniform", ""} == set(rows["recipe"])
    assert set(rows["language"]) == {"", *WORDS}
    learnt = frames["base"].set_index(["model", "language"])["log_likelihood"]
    assert learnt["tuned", "fr"] > learnt["model", "fr"] + 0.1


def test_nothing_is_measured_twice(done, home, tuned, passes, tmp_path):
    transfer, frames = done
    folder = shutil.copytree(transfer.folder, tmp_path / "transfer")
    again = Transfer.begin(home / "run", [str(tuned)], folder).frames()
    assert passes == []
    for name, frame in frames.items():
        assert frame.equals(again[name]), name


def test_a_killed_transfer_goes_on(done, home, tuned, passes, tmp_path, monkeypatch):
    """Killed after two pieces: those are kept, and only the others are measured."""
    folder = tmp_path / "transfer"
    save = neuroglot.study.executors.local.save_shard
    written = []

    def dies(shard, path):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        save(shard, path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(neuroglot.study.executors.local, "save_shard", dies)
        Transfer.begin(home / "run", [str(tuned)], folder).frames()
    assert not (folder / "tables").exists()
    kept = [str(name) for path in written for name in load_shard(path).to_dataset()["mask"].values]
    assert kept
    passes.clear()
    frames = Transfer.begin(home / "run", [str(tuned)], folder).frames()
    total = [mask.name for mask in Run.open(home / "run").ablation.masks]
    assert sorted(passes) == sorted(set(total) - set(kept))
    assert frames["survival"].equals(done[1]["survival"])
    (folder / "ablation" / written[0].name).write_bytes(b"half a fi")
    passes.clear()
    Transfer.begin(home / "run", [str(tuned)], folder).frames()
    assert 0 < len(passes) <= 4


def test_the_very_weights_keep_everything(home, tmp_path):
    frames = neuroglot.transfer(home / "run", [home / "model"], tmp_path / "transfer")
    rows = frames["survival"]
    assert list(frames["base"]["model"].unique()) == ["model", "model again"]
    there = rows["share"].notna()
    assert there.any()
    np.testing.assert_allclose(rows.loc[there, "share"], 1, rtol=1e-4)
    (subject,) = json.loads((tmp_path / "transfer" / "transfer.json").read_text("utf-8"))["models"]
    assert subject["same"] is True


def test_checkpoints_stand_side_by_side(home, tuned, passes, tmp_path):
    """Two checkpoints with the same last name are told apart by the whole."""
    twin = shutil.copytree(tuned, tmp_path / "other" / "tuned")
    transfer = Transfer.begin(home / "run", [tuned, twin], tmp_path / "transfer")
    frames = transfer.frames()
    assert transfer.labels == ["model", str(tuned), str(twin)]
    one, two = (frames["survival"].query("model == @name") for name in transfer.labels[1:])
    assert one["share"].to_list() == pytest.approx(two["share"].to_list(), nan_ok=True)
    assert len(passes) == len(set(passes)), "the same weights were measured twice"


SHAPES = {
    "width": ({"intermediate_size": 64}, "neurons a layer at 'mlp' 48 against 64"),
    "layers": ({"num_hidden_layers": 4}, "layers 3 against 4"),
    "architecture": ({"family": "qwen3"}, "architecture gemma3_text against qwen3"),
}


@pytest.mark.parametrize(("shape", "message"), SHAPES.values(), ids=SHAPES)
def test_refuses_other_neurons(home, passes, tmp_path, shape, message):
    other = save_other(tmp_path / "other", **shape)
    with pytest.raises(NeuroglotError) as refused:
        Transfer.begin(home / "run", [str(other)], tmp_path / "transfer").frames()
    assert f"sets found on model do not fit other: {message}" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert passes == []


def test_refuses_another_tokenizer(home, tuned, passes, tmp_path):
    """Also where an earlier model of the line fits: nothing is measured before all are known to fit."""
    other = save_other(tmp_path / "other", letters="ae")
    with pytest.raises(NeuroglotError) as refused:
        Transfer.begin(home / "run", [str(tuned), str(other)], tmp_path / "transfer").frames()
    assert str(refused.value).startswith(f"{other}: the tokenizers differ: token 'a' is ")
    assert passes == []


def test_refuses_a_model_that_cannot_hold_the_text(home, tmp_path):
    other = save_other(tmp_path / "other", max_position_embeddings=8)
    with pytest.raises(NeuroglotError, match=r"other has 8 positions, and the longest .* needs \d\d"):
        Transfer.begin(home / "run", [str(other)], tmp_path / "transfer").frames()


def test_more_tokens_and_another_end_are_no_other_tokenizer(home, tuned, tmp_path):
    """What chat models do."""
    chat = shutil.copytree(tuned, tmp_path / "chat")
    model = LanguageModel.load(chat)
    model.network.resize_token_embeddings(len(model.tokenizer) + 1, mean_resizing=False)
    model.tokenizer.add_special_tokens({"eos_token": "<turn>"})
    model.tokenizer.save_pretrained(chat)
    model.network.save_pretrained(chat)
    frames = neuroglot.transfer(home / "run", [str(chat)], tmp_path / "transfer")
    assert np.isfinite(frames["base"]["log_likelihood"]).all()


@pytest.mark.parametrize(
    ("stage", "undone"), [("score", "score"), ("select", "select"), ("ablate", "ablate")]
)
def test_an_unfinished_run_says_what_finishes_it(finished, tmp_path, stage, undone):
    manifest = json.loads((finished / "manifest.json").read_text("utf-8"))
    stages = list(manifest["stages"])
    for later in stages[stages.index(stage) :]:
        del manifest["stages"][later]
    (finished / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(NeuroglotError, match=f"has not finished {undone!r}: `neuroglot {undone} {finished}`"):
        Transfer.begin(finished, ["chat"], tmp_path / "transfer")
    assert not (tmp_path / "transfer").exists()


def test_a_set_that_was_changed_since_is_noticed(finished, tuned, passes, tmp_path):
    file = finished / "sets" / "grad_act" / "fr.json"
    NeuronSet.load(file).restrict([0]).save(file)
    with pytest.raises(
        NeuroglotError, match=f"no longer those that it measured: `neuroglot ablate {finished}`"
    ):
        Transfer.begin(finished, [str(tuned)], tmp_path / "transfer").frames()
    assert passes == []


def test_mistakes_before_anything_is_loaded(home, tmp_path):
    with pytest.raises(NeuroglotError, match="there is no run in"):
        Transfer.begin(tmp_path, ["chat"], tmp_path / "transfer")
    with pytest.raises(NeuroglotError, match="model 'chat' is named twice"):
        Transfer.begin(home / "run", ["chat", "chat"], tmp_path / "transfer")
    with pytest.raises(NeuroglotError, match="holds a run; a transfer needs a folder of its own"):
        Transfer.begin(home / "run", ["chat"], home / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(NeuroglotError, match="is a file; a transfer needs a folder"):
        Transfer.begin(home / "run", ["chat"], tmp_path / "file")
    with pytest.raises(NeuroglotError, match=r"there is no folder './nothing'"):
        Transfer.begin(home / "run", ["./nothing"], tmp_path / "transfer").frames()
