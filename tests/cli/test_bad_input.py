"""Issue 2, "Bad input": one line that names the thing, the nearest right one, and where it stands; code 1."""

import json
import shutil

import pytest

from neuroglot.neurons import NeuronSet
from tiny_study import WORDS, write_corpus, write_study


@pytest.fixture
def corpus(tmp_path):
    """A corpus of one's own to spoil."""
    return write_corpus(tmp_path / "corpus")


ALL = {"interventions": {"zero": "all"}}
CONFIGURATION = {
    "recipe": ({"recipes": ["grad_actt"]}, "recipes: unknown recipe 'grad_actt'; did you mean 'grad_act'?"),
    "key": ({"budgett": 1}, "budgett: unknown key 'budgett'; did you mean 'budget'?"),
    "key of text": ({"text": {"sauce": "x"}}, "text.sauce: unknown key 'sauce'; did you mean 'source'?"),
    "key of controls": (
        {"controls": {"unifrom": 1}},
        "controls.unifrom: unknown key 'unifrom'; did you mean 'uniform'?",
    ),
    "intervention": (
        {"interventions": {"zeroo": "all"}},
        "interventions: unknown intervention 'zeroo'; did you mean 'zero'?",
    ),
    "recipe of an intervention": (
        {"interventions": {"zero": ["grad_atc"]}},
        "interventions.zero: unknown recipe of this study 'grad_atc'; did you mean 'grad_act'?",
    ),
    "recipe of the controls": (
        {"controls": {"recipes": ["lape"]}},
        "controls.recipes: unknown recipe of this study 'lape'; did you mean 'lape_budget'?",
    ),
    "recipe twice": ({"recipes": ["lape", "lape"], **ALL}, "recipes: 'lape' is named twice"),
    "site": (
        {"recipes": [{"name": "a", "score": "active", "contrast": "none", "site": "mlp_gat"}]},
        "recipes[0].site: unknown site 'mlp_gat'; did you mean 'mlp_gate'?",
    ),
    "score": (
        {"recipes": [{"name": "a", "score": "actve", "contrast": "none"}]},
        "recipes[0].score: unknown score 'actve'; did you mean 'active'?",
    ),
    "contrast": (
        {"recipes": [{"name": "a", "score": "active", "contrast": "zscor"}]},
        "recipes[0].contrast: unknown contrast 'zscor'; did you mean 'zscore'?",
    ),
    "option of a contrast": (
        {
            "recipes": [
                {"name": "a", "score": "active", "contrast": {"name": "entropy", "options": {"rate": 1}}}
            ],
            **ALL,
        },
        "unknown option 'rate'; did you mean 'filter_rate'?",
    ),
    "reference of a contrast": (
        {
            "recipes": [
                {
                    "name": "a",
                    "score": "grad",
                    "contrast": {"name": "difference", "options": {"reference": "ne"}},
                }
            ],
            **ALL,
        },
        "recipes[0]: contrast 'difference': reference: unknown language 'ne'; did you mean 'en'?",
    ),
    "selection": (
        {
            "recipes": [
                {"name": "a", "score": "active", "contrast": "none", "select": {"rule": "lape", "toprate": 1}}
            ]
        },
        "unknown key 'toprate'; did you mean 'top_rate'?",
    ),
    "duplicate languages": (
        {"text": {"languages": ["en", "fr", "en"]}},
        "text.languages: language 'en' is asked for twice",
    ),
    "one language": ({"text": {"languages": ["en"]}}, "text.languages: list should have at least 2 items"),
    "z-scores over two": (
        {"text": {"languages": ["en", "fr"]}},
        "recipes[0]: contrast 'zscore' needs at least 3 languages (given: en, fr)",
    ),
    "budget 0": ({"budget": 0}, "budget: budget 0: a budget must be above 0"),
    "budget 0 %": ({"budget": "0%"}, "budget: budget '0%': a budget must be above 0"),
    "budget over 100 %": ({"budget": "101%"}, "budget: budget '101%': over 100 %"),
    "budget in words": ({"budget": "many"}, "budget: budget 'many' is neither a share"),
    "budget NaN": ({"budget": float("nan")}, "budget: budget nan: a budget must be above 0"),
    "positions": ({"positions": "evry:2"}, "positions: string should match pattern"),
    "dtype": ({"dtype": "float"}, "dtype: input should be 'float32'"),
    "layers": ({"layers": []}, "layers: list should have at least 1 item"),
    "seed": ({"seed": "x"}, "seed: input should be a valid integer"),
}


@pytest.mark.parametrize("what", CONFIGURATION)
def test_a_mistake_in_the_configuration(what, study, refused, tmp_path):
    changes, message = CONFIGURATION[what]
    file = study(**changes)
    line = refused("run", file, "--out", tmp_path / "run")
    assert line.startswith(f"{file}: ")
    assert message in line
    assert not (tmp_path / "run").exists()


def test_a_misspelt_key_is_named_before_the_one_that_is_missing(study, refused):
    file = study()
    file.write_text(file.read_text("utf-8").replace("model:", "modell:"), "utf-8")
    assert "modell: unknown key 'modell'; did you mean 'model'?" in refused("run", file)


FILES = {
    "not YAML": (b"model: x\ntext: {a: [}\n", "bad.yaml:2: not YAML: "),
    "a control character": (b"model: \x00\n", "bad.yaml: not YAML: "),
    "a list": (b"- a\n- b\n", "bad.yaml: expected keys and values"),
    "empty": (b"", "bad.yaml: expected keys and values"),
    "not UTF-8": (b"model: caf\xe9\n", "bad.yaml: not UTF-8 at byte 10"),
}


@pytest.mark.parametrize("what", FILES)
def test_a_study_file_that_is_no_study(what, refused, tmp_path):
    content, message = FILES[what]
    (tmp_path / "bad.yaml").write_bytes(content)
    assert message in refused("run", tmp_path / "bad.yaml", "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_study_that_is_not_there(refused, tmp_path):
    assert "unknown study 'deom'; did you mean 'demo'?" in refused("run", "deom")
    assert "there is no file" in refused("run", tmp_path / "none.yaml")
    assert "it has no study.yaml" in refused("select", tmp_path)


def test_a_recipe_of_ones_own_with_a_wrong_key(study, refused, tmp_path):
    mine = tmp_path / "Mine.yaml"
    mine.write_text("name: mine\nscoer: grad\ncontrast: none\n")
    line = refused("run", study(recipes=[str(mine)]))
    assert f"recipes: {mine}: scoer: unknown key 'scoer'; did you mean 'score'?" in line
    assert "unknown recipe 'lapee'; did you mean 'lape'?" in refused("recipes", "lapee")


def test_an_unknown_language(study, refused, corpus):
    file = study(text={"source": str(corpus), "languages": ["en", "vi", "fi"]})
    assert f"{file}: text: {corpus}: unknown language 'fi'; did you mean" in refused("score", file)


def test_an_unknown_model(study, refused, tmp_path):
    file = study(model="gemma3-270")
    line = refused("score", file, "--out", tmp_path / "run")
    assert line == f"{file}: model: unknown model 'gemma3-270'; did you mean 'gemma3-270m'?"
    assert "config.json is missing" in refused("score", study(model=str(tmp_path)), "--out", tmp_path / "run")
    assert "there is no folder './no'" in refused("doctor", "./no")


def test_damaged_weights(study, home, refused, tmp_path):
    model = shutil.copytree(home / "model", tmp_path / "model")
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert "cannot be read" in refused("score", study(model=str(model)), "--out", tmp_path / "run")


def spoil_empty(folder):
    (folder / "en.txt").write_text("\n")


def spoil_one_token(folder):
    (folder / "en.txt").write_text("\n\n".join("abcdef") + "\n")


def spoil_encoding(folder):
    (folder / "en.txt").write_bytes("café\n".encode("latin-1"))


def spoil_all(folder):
    shutil.rmtree(folder)


def spoil_nothing(folder):
    pass


TEXTS = {
    "empty": (spoil_empty, {}, "en.txt: the file is empty"),
    "one token": (spoil_one_token, {}, "too short, a sample needs at least 2 tokens"),
    "not UTF-8": (spoil_encoding, {}, "en.txt: not UTF-8 at byte 3"),
    "no folder": (spoil_all, {}, "no such folder"),
    "documents": (spoil_nothing, {"report": 4}, "split asks for 7 documents; 'en' has 6"),
    "no documents": (spoil_nothing, {"identify": 0.1}, "part 'identify' is 0.1 of 6 documents: that is none"),
    "sentences": (spoil_nothing, {"report_sentences": 7}, "asked for 7 sentences a language; 'en' has 6"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_text_that_cannot_be_used(what, study, refused, corpus, tmp_path):
    spoil, changes, message = TEXTS[what]
    spoil(corpus)
    file = study(text={"source": str(corpus), **changes})
    line = refused("score", file, "--out", tmp_path / "run")
    assert line.startswith(f"{file}: text: ")
    assert message in line
    assert not (tmp_path / "run" / "bank").exists()


def test_an_environment_variable_that_is_not_set(study, refused):
    line = refused("score", study(text={"source": "$NEUROGLOT_NOWHERE/text"}))
    assert "text.source: the environment variable in '$NEUROGLOT_NOWHERE/text' is not set" in line


def given(folder, neurons):
    neurons.save(folder / "given.json")
    return folder / "given.json"


def test_a_set_made_for_another_shape_site_model_or_language(finished, refused, tmp_path):
    own = NeuronSet.load(finished / "sets/grad_act/vi.json")
    about = dict(own.provenance)
    other = {**about, "model": {**about["model"], "type": "llama"}}
    for neurons, message in (
        (NeuronSet("mlp", own.mask[:, :40], "vi"), "the set has 3 × 40 neurons at 'mlp'"),
        (NeuronSet("mlpp", own.mask, "vi"), "unknown site 'mlpp'; did you mean 'mlp'?"),
        (NeuronSet("mlp", own.mask, "vi", other), "was made for a llama model"),
        (NeuronSet("mlp", own.mask, "vn"), "unknown language 'vn'; did you mean"),
        (NeuronSet("mlp", own.mask), "unknown language ''"),
    ):
        file = given(tmp_path, neurons)
        line = refused("ablate", finished, "--neurons", file)
        assert line.startswith(f"{file}: ")
        assert message in line


def test_two_sets_for_one_language(finished, refused):
    files = [finished / f"sets/{recipe}/vi.json" for recipe in ("grad_act", "lape_budget")]
    line = refused("ablate", finished, "--neurons", files[0], "--neurons", files[1])
    assert line == f"{files[1]}: a second set for 'vi': give one a language"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"format": "neuroglot/neu', "is truncated or not JSON"),
        ("[]", "is not a neuron set"),
        (json.dumps({"format": "neuroglot/neurons", "version": 99}), "has format version 99"),
        (json.dumps({"format": "neuroglot/neurons", "version": 1, "site": "mlp"}), "is damaged"),
    ],
)
def test_a_set_file_that_is_no_set(content, message, finished, refused, tmp_path):
    (tmp_path / "set.json").write_text(content)
    assert message in refused("ablate", finished, "--neurons", tmp_path / "set.json")
    assert "there is no neuron set" in refused("ablate", finished, "--neurons", tmp_path / "none.json")


def test_a_truncated_bank(finished, refused):
    shard = next(finished.glob("bank/*/*.zarr.zip"))
    shard.write_bytes(shard.read_bytes()[:-100])
    assert f"bank file {shard} is truncated or damaged" in refused("select", finished)


def test_a_run_folder_that_cannot_be_written(study, refused, tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file; a run needs a folder" in refused("run", study(), "--out", tmp_path / "file")
    assert "Not a directory" in refused("run", study(), "--out", tmp_path / "file" / "run")


def test_a_stage_too_early(study, refused, tmp_path):
    line = refused("select", study(), "--out", tmp_path / "run")
    assert line == f"stage 'score' of the run in '{tmp_path / 'run'}' is not finished: run it first"


def test_another_process_in_the_folder(finished, study, refused):
    from neuroglot.study.run import Run

    with Run.open(finished).lock():
        for arguments in (["run", study(), "--out", finished], ["select", finished]):
            assert refused(*arguments) == f"another process is working in '{finished}'"


@pytest.mark.parametrize("language", WORDS)
def test_the_tiny_study_itself_is_good(language, home, tmp_path):
    """The oracle of this file: every refusal above is due to the one thing that it changed."""
    from neuroglot.study.config import load_study

    assert language in load_study(write_study(tmp_path / "s.yaml", home)).text.languages
