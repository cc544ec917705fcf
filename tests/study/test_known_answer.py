"""The model with a known answer: exact ablation says that the answer is true, recipes are held against it."""

from time import perf_counter

import numpy as np
import pytest
import torch

from neuroglot.attribution.exact import ablate_everywhere
from neuroglot.errors import NeuroglotError
from neuroglot.model.doctor import diagnose
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.specificity.contrasts import CONTRASTS
from neuroglot.study.config import load_study
from neuroglot.study.known_answer import Truth, known_answer, precision_recall
from neuroglot.study.known_answer.grammar import COMMA, LANGUAGES, ORDERS, Grammar
from neuroglot.study.recipe import load_recipe
from neuroglot.study.steps import samples_of, score, select
from neuroglot.text.corpus import Corpus

RECIPES = ["activation", "fisher", "grad_act", "lape_budget"]
SENTENCES = 16


@pytest.fixture(scope="module")
def answer():
    return known_answer()


@pytest.fixture(scope="module")
def bank(answer):
    return score(answer.model, answer.corpus.split(identify=32)["identify"], RECIPES)


@pytest.fixture(scope="module")
def drops(answer):
    """What every language loses in nats a token when a neuron is off: [language, layer, neuron]."""
    every = np.argwhere(np.ones_like(answer.kinds["filler"]))
    lost = dict.fromkeys(answer.corpus.languages, 0.0)
    tokens = dict.fromkeys(answer.corpus.languages, 0)
    for sample in samples_of(answer.model, answer.corpus.take(SENTENCES)):
        lost[sample.language] += ablate_everywhere(answer.model, sample, every).numpy()
        tokens[sample.language] += sample.tokens
    shape = answer.kinds["filler"].shape
    return np.stack([lost[language].reshape(shape) / tokens[language] for language in lost])


def found_by(bank, recipe, answer):
    return precision_recall(select(bank, recipe, answer.budget), answer).mean(numeric_only=True)


def test_every_neuron_is_of_one_kind_and_every_language_has_as_many(answer):
    assert (np.sum(list(answer.kinds.values()), axis=0) == 1).all()
    assert all(kind.any(axis=1).all() for kind in answer.kinds.values())  # in every layer
    assert {int(mask.sum()) for mask in answer.truth.values()} == {answer.budget} == {12}
    serving = np.sum(list(answer.truth.values()), axis=0)
    assert (serving == (answer.kinds["specific"] | answer.kinds["rare"])).all()


def test_it_is_built_at_once_and_the_same_for_a_seed(answer):
    started = perf_counter()
    again = known_answer()
    assert perf_counter() - started < 2
    assert again.model.fingerprint == answer.model.fingerprint
    assert again.corpus.fingerprint == answer.corpus.fingerprint
    other = known_answer(1)
    assert other.model.fingerprint != answer.model.fingerprint
    assert other.corpus.fingerprint != answer.corpus.fingerprint
    assert not all((other.truth[each] == answer.truth[each]).all() for each in LANGUAGES)


def test_the_languages_differ_in_what_follows_every_class():
    grammar = Grammar.drawn(np.random.default_rng(0))
    for kind in (*ORDERS[0], COMMA):
        assert len({grammar.kind_after(language, kind) for language in LANGUAGES}) == len(LANGUAGES)


def test_sentences_say_the_same_in_other_words(answer):
    documents = [answer.corpus.documents[language] for language in LANGUAGES]
    lengths = [
        [len(sentence.split()) for each in language for sentence in each.sentences] for language in documents
    ]
    assert lengths[0] == lengths[1] == lengths[2] == lengths[3]
    words = [
        {word for each in language for sentence in each.sentences for word in sentence.split()}
        for language in documents
    ]
    assert set.intersection(*words) == {","}
    assert all(len(own) == 25 for own in words)
    parts = answer.corpus.split(identify=32, report=32)
    assert len(parts["identify"]) == len(parts["report"]) == 4 * 64  # no sentence left out as met before


@pytest.mark.parametrize("seed", range(3))
def test_the_doctor_finds_nothing(seed):
    assert [check.name for check in diagnose(known_answer(seed).model) if not check.passed] == []


def test_probabilities_are_neither_lost_nor_saturated(answer):
    for language in LANGUAGES:
        p = []
        for sample in samples_of(answer.model, answer.corpus.restrict([language])):
            hidden = answer.model.body(torch.tensor([sample.ids]))[0]
            p.append(answer.model.head.log_prob(hidden[:-1], torch.tensor(sample.ids[1:]))[0].exp())
        p = torch.cat(p)
        assert 0.6 < p.median() < 0.8
        assert p.max() < 0.99


def test_what_serves_one_language_is_needed_by_it_and_by_no_other(answer, drops):
    for number, language in enumerate(LANGUAGES):
        own = drops[:, answer.truth[language]]
        assert own[number].min() > 0.01
        assert own[number].mean() > 0.15
        assert np.abs(np.delete(own, number, axis=0)).max() < 1e-6


def test_shared_neurons_are_needed_by_all(answer, drops):
    shared = drops[:, answer.kinds["shared"]]
    assert shared.min(axis=0).min() > -1e-3
    assert (shared > 0.01).mean() > 0.9
    assert shared.mean(axis=0).min() > 0.02


def test_no_filler_comes_near_a_planted_neuron(answer, drops):
    filler = np.abs(drops[:, answer.kinds["filler"]])
    assert filler.max() < 0.01
    assert (filler > 0).all()  # no dead weight


def test_decoys_are_the_loudest_and_nobody_needs_them(answer, drops, bank):
    decoys = answer.kinds["decoy"]
    assert np.abs(drops[:, decoys]).max() < 1e-6
    loudness = load_recipe("activation").statistic(bank).values
    specificity = CONTRASTS["zscore"](loudness, LANGUAGES)
    for own, z in zip(loudness, specificity, strict=True):
        ten = np.sort(z[decoys])[-10:]
        assert ten.min() > np.sort(z[~decoys])[-3]
        assert np.sort(own[decoys])[-10:].min() > own[~decoys].max()
    # Half of them write something, as loud as what matters, where nobody reads.
    written = np.stack([answer.model.down_weight(layer).norm(dim=0) for layer in range(3)])[decoys]
    assert (written > 0.05).sum() == (written == 0).sum() == 20


def test_rare_neurons_fire_at_few_tokens_of_one_language_and_decide(answer, drops, bank):
    rates = load_recipe("lape_budget").statistic(bank)  # share of tokens with an open gate
    for number, language in enumerate(LANGUAGES):
        rare = answer.truth[language] & answer.kinds["rare"]
        own = rates.sel(language=language).values[rare]
        assert ((own > 0) & (own < 0.1)).all()
        assert (rates.drop_sel(language=language).values[:, rare] == 0).all()
        assert (drops[number][rare] / own).min() > 2  # nats for every time they fire
    often = rates.max("language").values
    assert often[answer.kinds["rare"]].max() < often[answer.kinds["specific"]].min()


def test_gradients_find_the_truth(answer, bank):
    for recipe in ("grad_act", "fisher"):
        found = found_by(bank, recipe, answer)
        assert found.precision >= 0.9
        assert found.recall >= 0.9
        assert found.recall_rare >= 0.9
        assert found.decoys == 0


@pytest.mark.parametrize("recipe", ["activation", "lape_budget"])
def test_activations_fall_for_the_decoys(answer, bank, recipe):
    found = found_by(bank, recipe, answer)
    assert found.precision < 0.35
    assert found.decoys > 0.65
    assert found.recall_rare == 0


def test_it_can_be_run_from_the_command_line(answer, tmp_path):
    study = load_study(answer.save(tmp_path))
    assert study.budget == answer.budget
    parts = study.text.parts(study.seed)
    assert parts["identify"].languages == answer.corpus.languages
    assert parts["report"].parallel
    corpus = Corpus.from_files(study.text.source)
    assert corpus.fingerprint == answer.corpus.fingerprint
    model = LanguageModel.load(study.model, precision="float32", device="cpu")
    sample = samples_of(answer.model, answer.corpus)[0]
    assert samples_of(model, corpus)[0] == sample
    assert torch.equal(model.body(torch.tensor([sample.ids])), answer.model.body(torch.tensor([sample.ids])))
    truth = Truth.load(tmp_path)
    for key in ("truth", "kinds"):
        mine, read = getattr(answer, key), getattr(truth, key)
        assert list(mine) == list(read)
        assert all((mine[name] == read[name]).all() for name in mine)


def test_precision_and_recall_by_hand():
    def mask(*neurons):
        return NeuronSet.of("mlp", (1, 8), [(0, neuron) for neuron in neurons]).mask

    kinds = {
        "specific": mask(0, 1),
        "rare": mask(2, 3),
        "decoy": mask(4, 5),
        "shared": mask(6),
        "filler": mask(7),
    }
    truth = Truth({"aa": mask(0, 2), "ee": mask(1, 3)}, kinds)
    sets = {"aa": NeuronSet("mlp", mask(0, 4, 5, 7)), "ee": NeuronSet("mlp_gate", mask())}
    aa, ee = precision_recall(sets, truth).to_dict("records")
    assert aa == {
        "language": "aa",
        "precision": 0.25,
        "recall": 0.5,
        "decoys": 0.5,
        "recall_specific": 1.0,
        "recall_rare": 0.0,
    }
    assert ee["precision"] == ee["recall"] == ee["decoys"] == 0
    assert truth.budget == 2
    with pytest.raises(NeuroglotError, match="did you mean 'aa'"):
        precision_recall({"ab": sets["aa"]}, truth)
    with pytest.raises(NeuroglotError, match=r"1 × 8 at 'resid'; the truth is 1 × 8 at 'mlp'"):
        precision_recall({"aa": NeuronSet("resid", mask())}, truth)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read: No such file"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": "neuroglot/truth", "version": 2}', "not 'neuroglot/truth' of version 1"),
        (
            '{"format": "neuroglot/truth", "version": 1, "shape": [1, 1], "truth": {"aa": [[0, 1]]}}',
            "does not exist",
        ),
    ],
)
def test_a_damaged_truth_is_one_line(tmp_path, content, says):
    if content is not None:
        (tmp_path / "truth.json").write_text(content, "utf-8")
    with pytest.raises(NeuroglotError, match=says):
        Truth.load(tmp_path)
