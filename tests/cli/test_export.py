"""`neuroglot export` and `neuroglot import` as a new user would call them."""

import json

import pytest
import torch
import yaml

from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.study.config import load_study
from neuroglot.study.run import Run
from tiny import save_tiny


@pytest.fixture
def chosen(home):
    """A set of the finished run."""
    return home / "run" / "sets" / "grad_act" / "vi.json"


def logits(model):
    with torch.inference_mode():
        return model.network(input_ids=torch.tensor([[2, 40, 90, 17]])).logits


def test_export(neuroglot, home, chosen, tmp_path):
    said = neuroglot("export", home / "model", "--neurons", chosen, "--out", tmp_path / "off")
    assert said.code == 0, said.err
    assert said.out.startswith(f"Checkpoint: {tmp_path / 'off'}\nRead back, its logits are at most ")
    model, folded = LanguageModel.load(home / "model"), LanguageModel.load(tmp_path / "off")
    with intervene(model, Intervention(NeuronSet.load(chosen))):
        expected = logits(model)
    torch.testing.assert_close(logits(folded), expected, atol=1e-5, rtol=1e-5)
    assert (expected - logits(model)).abs().max() > 1e-3
    again = neuroglot("export", home / "model", "--neurons", chosen, "--out", tmp_path / "b", "--json")
    assert json.loads(again.out) == {
        "folder": str(tmp_path / "b"),
        "difference": pytest.approx(0, abs=1e-4),
        "largest_logit": pytest.approx(10, abs=10),
        "inert": "",
    }


def test_means_come_from_a_run_or_a_bank(neuroglot, home, chosen, tmp_path):
    save_tiny(tmp_path / "gpt2", "gpt2")  # whose projections have biases
    document = json.loads(chosen.read_text("utf-8"))
    document["provenance"] = {}
    (tmp_path / "vi.json").write_text(json.dumps(document), "utf-8")
    Run.open(home / "run").bank.save(tmp_path / "bank")
    for name, means in (("a", home / "run"), ("b", tmp_path / "bank")):
        line = ("--neurons", tmp_path / "vi.json", "--kind", "grand_mean", "--means", means)
        said = neuroglot("export", tmp_path / "gpt2", *line, "--out", tmp_path / name)
        assert said.code == 0, said.err
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in "ab")
    assert one == two


def test_one_that_changes_nothing_is_said_to(neuroglot, home, tmp_path):
    NeuronSet.of("mlp", (3, 48), []).save(tmp_path / "none.json")
    line = ("--neurons", tmp_path / "none.json", "--out", tmp_path / "off")
    assert "It changes nothing: the set is empty." in neuroglot("export", home / "model", *line).err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--kind", "zeor"), "unknown intervention 'zeor'; did you mean 'zero'"),
        (("--kind", "scale"), "intervention 'scale' needs a number, as in 'scale(0.5)'"),
        (("--kind", "own_mean"), "intervention 'own_mean' needs mean activations"),
        (("--kind", "own_mean", "--means", "nowhere"), "there is no score bank in nowhere"),
        (("--kind", "constant(1)"), "a gemma3_text checkpoint has none; zero and scale fold"),
    ],
)
def test_mistakes(refused, home, chosen, tmp_path, more, message):
    line = ("--neurons", chosen, "--out", tmp_path / "off")
    assert message in refused("export", home / "model", *line, *more)
    assert not list(tmp_path.iterdir())


def test_mistakes_cost_no_model_time(refused, chosen, tmp_path):
    (tmp_path / "there").mkdir()
    line = ("--neurons", chosen, "--out", tmp_path / "there")
    assert "is there already; a checkpoint needs a new folder" in refused("export", "no-model", *line)
    line = ("--neurons", tmp_path / "no.json", "--out", tmp_path / "new")
    assert "there is no neuron set" in refused("export", "no-model", *line)


def test_a_set_for_another_width(refused, home, tmp_path):
    NeuronSet.of("mlp", (3, 49), [(0, 1)]).save(tmp_path / "wide.json")
    line = ("--neurons", tmp_path / "wide.json", "--out", tmp_path / "off")
    assert "it was made for another model or site" in refused("export", home / "model", *line)


def test_import(neuroglot, home, study, tmp_path):
    held = [[torch.tensor([5, 7]), torch.tensor([]), torch.tensor([0])]] * 2
    torch.save(held, tmp_path / "a.neuron.pth")
    line = ("import", tmp_path / "a.neuron.pth", "--model", home / "model", "--languages", "en, vi, fr")
    said = neuroglot(*line, "--out", tmp_path / "sets")
    assert said.code == 0, said.err
    assert said.out == f"en 3, vi 3, fr 0 neurons at 'mlp_gate', in {tmp_path / 'sets'}\n"
    sets = {path.stem: NeuronSet.load(path) for path in (tmp_path / "sets").iterdir()}
    assert sets.keys() == {"en", "vi", "fr"} and sets["vi"].indices.tolist() == [[0, 5], [0, 7], [2, 0]]
    assert sets["vi"].provenance["imported"] == "a.neuron.pth"
    assert sets["vi"].provenance["model"]["type"] == "gemma3_text"
    exported = neuroglot(
        "export", home / "model", "--neurons", tmp_path / "sets" / "vi.json", "--out", tmp_path / "off"
    )
    assert exported.code == 0, exported.err


def test_import_of_a_list(neuroglot, refused, home, tmp_path):
    (tmp_path / "a.csv").write_text("layer,neuron,language\n0,5,en\n2,1,vi\n", "utf-8")
    line = ("import", tmp_path / "a.csv", "--model", home / "model", "--out", tmp_path / "sets")
    said = json.loads(neuroglot(*line, "--site", "mlp_up", "--json").out)
    assert said["sets"]["vi"]["neurons"] == 1 and said["sets"]["en"]["site"] == "mlp_up"
    (tmp_path / "a.csv").write_text("layer,neuron,language\n0,5,en\n2,48,vi\n", "utf-8")
    assert "a.csv: 'vi': neuron (2, 48) does not exist: the site has 3 × 48" in refused(*line)
    assert "unknown site 'mpl'; did you mean 'mlp'" in refused(*line, "--site", "mpl")


def test_a_study_takes_kinds_with_a_number(home, study, refused, tmp_path):
    file = study(interventions={"scale(0.5)": "all", "percentile(10)": ["grad_act"]})
    assert set(yaml.safe_load(file.read_text("utf-8"))["interventions"]) == {"scale(0.5)", "percentile(10)"}
    run = Run.begin(tmp_path / "run", load_study(file))
    with run.lock():
        run.score()
        run.select()
        run.ablate()
    assert {"scale(0.5)", "percentile(10)"} <= set(run.tables().means["baseline"])
    wrong = study(interventions={"percentile(100)": "all"})
    assert (
        "interventions: intervention 'percentile(100)': the number must be above 0 and below 100"
        in refused("run", wrong, "--out", tmp_path / "other")
    )
