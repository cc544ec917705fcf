"""Mistakes in recipes: one line, code 1, and not one pass over the text before it is said."""

import pytest

from tiny import save_tiny
from tiny_study import WORDS, write_corpus


@pytest.fixture
def no_pass(monkeypatch):
    """Scoring anything at all fails the test."""

    def score_samples(*_arguments, **_options):
        pytest.fail("the text was scored before the mistake was said")

    monkeypatch.setattr("neuroglot.study.reading.score_samples", score_samples)


def recipe(score, **more):
    return {"name": "mine", "score": score, "contrast": "none", **more}


def with_options(name, **options):
    return {"name": name, "options": options}


IG = "integrated_gradients"
CONFIGURATION = {
    "0 steps": (recipe(with_options(IG, steps=0)), ".score: a path needs at least 1 step, not 0"),
    "-1 steps": (
        recipe(with_options("conductance", steps=-1)),
        ".score: a path needs at least 1 step, not -1",
    ),
    "steps in words": (
        recipe(with_options(IG, steps="many")),
        f".score: score '{IG}': steps must be a whole number, not 'many'",
    ),
    "0 copies": (recipe(with_options("smoothgrad", copies=0)), ".score: smoothgrad needs at least 1 copy"),
    "option of a score": (
        recipe(with_options("smoothgrad", copy=4)),
        ".score: score 'smoothgrad': unknown option 'copy'; did you mean 'copies'?",
    ),
    "option of a score without any": (
        recipe(with_options("grad_act", steps=4)),
        ".score: score 'grad_act' has no options, and is given 'steps'",
    ),
    "rules": (
        recipe(with_options("relevance", rules="attnlpr")),
        ".score: score 'relevance': unknown rules 'attnlpr'; did you mean 'attnlrp'?",
    ),
    "schedule": (
        recipe(with_options(IG, schedule="logg")),
        ".score: unknown schedule 'logg'; did you mean 'log'?",
    ),
    "score": (recipe("smoothgrd"), ".score: unknown score 'smoothgrd'; did you mean 'smoothgrad'?"),
    "objective": (
        recipe("grad", objective="contrastiv"),
        ".objective: unknown objective 'contrastiv'; did you mean 'contrastive'?",
    ),
    "option of an objective": (
        recipe("grad", objective=with_options("answer", controll="copy")),
        ".objective: objective 'answer': unknown option 'controll'; did you mean 'control'?",
    ),
    "value of an objective's option": (
        recipe("grad", objective=with_options("target", measure="prob")),
        ".objective: objective 'target': unknown measure 'prob'; did you mean",
    ),
    "statistic": (
        recipe("grad", samples="kurtose"),
        ".samples: unknown sample statistic 'kurtose'; did",
    ),
    "option of a statistic": (
        recipe("grad", samples=with_options("quantile", p=0.5)),
        ".samples: statistic 'quantile': unknown option 'p'",
    ),
    "value of a statistic's option": (
        recipe("grad", samples=with_options("topk_share", share=0)),
        ".samples: statistic 'topk_share': share must be a number above 0 and below 1, not 0",
    ),
    "average precision of a scale": (
        recipe("activation", contrast="average_precision", scale={"layer": "z"}),
        ": contrast 'average_precision' reads every sample: there is no scale and no minus",
    ),
    "average precision of a difference": (
        recipe("grad", contrast="average_precision", minus="gold_logit"),
        ": contrast 'average_precision' reads every sample: there is no scale and no minus",
    ),
    "average precision of a median": (
        recipe("activation", contrast="average_precision", samples="median"),
        ": contrast 'average_precision' reads every sample, not their 'median'",
    ),
    "parallel of another objective": (
        recipe("parallel"),
        ": objective 'layer_change' and score 'parallel' go together",
    ),
    "another score of the layer's change": (
        recipe("grad_act", objective="layer_change"),
        ": objective 'layer_change' and score 'parallel' go together",
    ),
    "minus of a forward score": (
        recipe("activation", minus="gold_logit"),
        ": minus: score 'activation' does not depend on the objective",
    ),
    "minus the layer's change": (
        recipe("grad", minus="layer_change"),
        ": minus: objective 'layer_change' has no gradient",
    ),
    "unknown minus": (
        recipe("grad", minus="anser"),
        ".minus: unknown objective 'anser'; did you mean 'answer'?",
    ),
    "unknown control": (
        recipe("grad", select={"rule": "culnig", "control": "anser"}),
        "control: unknown objective 'anser'; did you mean 'answer'?",
    ),
    "control of a forward score": (
        recipe("active", select={"rule": "culnig"}),
        ": select.control: score 'active' does not depend on the objective",
    ),
    "tokens of a whole sample": (
        recipe("random"),
        ": score 'random' is of the whole sample: it needs tokens: sum",
    ),
    "0 sentences": (recipe("grad", sentences=0), ".sentences: input should be greater than or equal to 1"),
    "among at another site": (
        recipe("grad", among={"score": "active", "site": "mlp_gate", "contrast": "none", "keep": 0.5}),
        ": among: ranks neurons at 'mlp_gate', the recipe those at 'mlp'",
    ),
    "among with nothing kept": (
        recipe("grad", among={"score": "active", "contrast": "none", "keep": 0}),
        ".among.keep: input should be greater than 0",
    ),
    "a contrast that the rule does not look at": (
        recipe("active", contrast="zscore", select={"rule": "lape"}),
        ": select: rule 'lape' compares languages itself and would not look at contrast 'zscore': say "
        "contrast: none",
    ),
    "rule": (recipe("grad", select={"rule": "budgett"}), "recipes[0].select"),
    "consistency": (
        recipe("parallel", objective="layer_change", select={"rule": "consistent", "consistency": 2}),
        "consistency: input should be less than or equal to 1",
    ),
    "share": (recipe("grad", select={"rule": "culnig", "share": 0}), "share: input should be greater than 0"),
}


@pytest.mark.parametrize("what", CONFIGURATION)
def test_a_mistake_in_a_recipe(what, study, refused, tmp_path, no_pass):
    mine, message = CONFIGURATION[what]
    file = study(recipes=[mine], interventions={"zero": "all"})
    line = refused("run", file, "--out", tmp_path / "run")
    assert line.startswith(f"{file}: recipes[0]")
    assert message in line
    assert not (tmp_path / "run").exists()


TEXTS = {
    "not parallel": (
        recipe("grad_act", objective="contrastive"),
        {},
        "objective 'contrastive' needs parallel text, and ",
    ),
    "minus what is not parallel": (
        recipe("grad_act", minus="contrastive"),
        {},
        "objective 'contrastive' needs parallel text, and ",
    ),
    "kurtosis of one sample": (
        recipe("grad_act", samples="kurtosis"),
        {"identify_sentences": 1},
        "kurtosis needs at least 2 samples of 'en', which has 1",
    ),
    "kurtosis of a limit of one": (
        recipe("grad_act", samples="kurtosis", sentences=1),
        {},
        "kurtosis needs at least 2 samples of 'en', which has 1",
    ),
    "kurtosis of one sample to choose among": (
        recipe("grad_act", among={"score": "grad", "samples": "kurtosis", "contrast": "none", "keep": 0.5}),
        {"identify_sentences": 1},
        "kurtosis needs at least 2 samples of 'en', which has 1",
    ),
    "three sentences to answer": (
        recipe("grad_act", objective="answer"),
        {"identify_sentences": 3},
        "needs at least 4 sentences a language; 'en' has 3 that can be halved",
    ),
    "a limit of three to answer": (
        recipe("grad_act", objective="answer", sentences=3),
        {},
        "needs at least 4 sentences a language; 'en' has 3 that can be halved",
    ),
    "three sentences for a control": (
        recipe("grad_act", select={"rule": "culnig"}),
        {"identify_sentences": 3},
        "needs at least 4 sentences a language; 'en' has 3 that can be halved",
    ),
    "one document to probe": (
        recipe("grad_act", objective="language_id"),
        {"identify": 1},
        "on other documents than it scores; 'en' has only one",
    ),
    "reference": (
        recipe("grad_act", objective=with_options("contrastive", reference="fe")),
        {"source": "commons"},
        "reference: unknown language 'fe'; did you mean 'fr'?",
    ),
}


@pytest.mark.parametrize("what", TEXTS)
def test_text_that_a_recipe_cannot_use(what, study, refused, tmp_path, no_pass, monkeypatch):
    """It takes no model to say so: there is none."""
    mine, text, message = TEXTS[what]
    monkeypatch.setattr(
        "neuroglot.study.run.LanguageModel.load", lambda *_, **__: pytest.fail("a model was loaded")
    )
    file = study(recipes=[mine], text=text, interventions={"zero": "all"})
    line = refused("score", file, "--out", tmp_path / "run")
    assert line.startswith(f"{file}: recipes: recipe 'mine': ")
    assert message in line
    assert not (tmp_path / "run" / "bank").exists()


MODELS = {
    "site that the model lacks": (
        recipe("grad_act", site="attn_q"),
        "bloom",
        "site 'attn_q'",
    ),
    "site to choose among that the model lacks": (
        recipe(
            "grad_act",
            among={"by": "layers", "site": "attn_q", "score": "grad", "contrast": "none", "keep": 0.5},
        ),
        "bloom",
        "site 'attn_q'",
    ),
    "more neurons than there are": (
        recipe(with_options("ablation", neurons=49), tokens="sum"),
        "gemma3_text",
        "ablation of 49 neurons a layer: site 'mlp' has 48",
    ),
    "parallel elsewhere": (
        recipe("parallel", objective="layer_change", site="mlp_gate"),
        "gemma3_text",
        "score 'parallel' is defined at mlp, attn_q, attn_k, attn_v, not at 'mlp_gate'",
    ),
    "a share of less than one neuron": (
        recipe("grad_act", select={"rule": "culnig"}),
        "gemma3_text",
        "culnig: share: a budget of 0.3000% is less than one of 144 neurons",
    ),
    "a control's share of less than one neuron": (
        recipe("grad_act", select={"rule": "culnig", "share": 0.1, "control_share": 0.001}),
        "gemma3_text",
        "culnig: control_share: a budget of 0.1000% is less than one of 144 neurons",
    ),
    "none to choose among": (
        recipe("grad_act", among={"score": "active", "contrast": "none", "keep": 0.001}),
        "gemma3_text",
        "among: 0.1000% of 3 layers is none of their neurons",
    ),
    "no layer to choose among": (
        recipe("grad_act", among={"by": "layers", "score": "active", "contrast": "none", "keep": 0.1}),
        "gemma3_text",
        "among: 10.0000% of 3 layers is none of their layers",
    ),
}


@pytest.fixture(scope="session")
def bloom(tmp_path_factory):
    return save_tiny(tmp_path_factory.mktemp("bloom"), "bloom")


@pytest.mark.parametrize("what", MODELS)
def test_a_model_that_a_recipe_cannot_use(what, study, refused, tmp_path, no_pass, request):
    mine, family, message = MODELS[what]
    changes = {"model": str(request.getfixturevalue("bloom"))} if family == "bloom" else {}
    text = {"identify": 4, "report": 2}  # a document an ending
    file = study(recipes=[mine], text=text, interventions={"zero": "all"}, **changes)
    line = refused("run", file, "--out", tmp_path / "run")
    assert message in line
    assert "mine" in line or line.startswith(f"{file}: recipes[0].site: ")
    assert not list((tmp_path / "run").glob("bank/*"))


def test_more_neurons_asked_for_than_exist(study, refused, tmp_path, no_pass):
    file = study(budget=145)
    line = refused("run", file, "--out", tmp_path / "run")
    assert line == f"{file}: budget: a budget of 145 neurons is more than the 144 there are"


def test_a_prompt_that_the_model_has_no_room_for(study, refused, tmp_path, no_pass):
    """Four long endings in 128 positions."""
    words = {language: [word * 8 for word in own] for language, own in WORDS.items()}
    source = write_corpus(tmp_path / "long", words)
    mine = recipe("grad_act", objective="answer")
    text = {"source": str(source), "identify": 4, "report": 2}
    file = study(recipes=[mine], text=text, interventions={"zero": "all"})
    line = refused("score", file, "--out", tmp_path / "run")
    assert "positions are needed for en, document " in line
    assert line.endswith("the model has 128")


@pytest.mark.parametrize("what", [*TEXTS, *MODELS])
def test_the_recipes_themselves_are_good(what):
    """The oracle of this file: these are refused for their text and model alone."""
    from neuroglot.study.recipe import Recipe

    Recipe(**{**TEXTS, **MODELS}[what][0]).rehearse(["en", "fr", "vi"])
