"""Pieces of masks × text: their names say all that they rest on, and finished ones are kept."""

from dataclasses import replace

import numpy as np
import pytest

from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.accuracy import accuracies
from neuroglot.evaluation.choice import CHANCE, choice_samples, chosen
from neuroglot.evaluation.direct import direct
from neuroglot.evaluation.effects import effects
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.progress import silent
from neuroglot.study import ablating
from neuroglot.study.ablating import Ablating, read_pieces
from neuroglot.study.executors.local import Local
from neuroglot.text.corpus import Corpus, Document
from neuroglot.text.samples import Sample

SAMPLES = [Sample("xx", f"d{n}", 0, (2, *range(3 + n, 10 + 2 * n)), 7, 7) for n in range(3)]


def acts(gemma):
    off = np.random.default_rng(0).random((gemma.layers, gemma.site("mlp").width)) < 0.4
    return [
        [(Mask("none", "none"), Intervention(NeuronSet("mlp", off & False)))],
        [(Mask("off", "everything_off"), Intervention(NeuronSet("mlp", off)))],
    ]


@pytest.fixture
def pieces(gemma, tmp_path):
    """Pieces of `SAMPLES` in a folder of their own."""
    return Ablating(Local(gemma), "reader", SAMPLES, tmp_path / "ablation", {"seed": "0"})


def test_a_name_says_all_that_a_piece_rests_on(gemma, pieces, monkeypatch):
    parts = acts(gemma)
    kept = pieces.keys(parts)
    assert pieces.keys(parts) == kept and len(set(kept)) == 2
    prompted = [replace(SAMPLES[0], prompt=2), *SAMPLES[1:]]
    for other in (
        replace(pieces, effect="direct"),
        replace(pieces, reader="another"),
        replace(pieces, samples=prompted),
        replace(pieces, samples=SAMPLES[::-1]),
        replace(pieces, samples=[replace(SAMPLES[0], document="e"), *SAMPLES[1:]]),
    ):
        assert not set(other.keys(parts)) & set(kept)
    monkeypatch.setattr(ablating, "MEASURED", ("log_prob",))
    assert not set(pieces.keys(parts)) & set(kept), "pieces of a version that measured less are made again"


def test_direct_effects_lie_beside_the_total_ones_and_are_kept(gemma, pieces, monkeypatch):
    parts = acts(gemma)
    both = [pieces, replace(pieces, effect="direct")]
    found = []
    for one in both:
        one.work(parts, silent)
        data = read_pieces(one.folder, one.keys(parts))
        found.append(Ablation(data, tuple(mask for part in parts for mask, _ in part)))
    expected = direct(gemma, SAMPLES, {mask.name: act for part in parts for mask, act in part})
    np.testing.assert_allclose(found[1].data["log_prob"], expected["log_prob"], atol=1e-4)
    np.testing.assert_array_equal(found[1].data["correct"], expected["correct"])
    frame = effects(*found, resamples=20)
    assert frame["mask"].tolist() == ["off"]
    assert frame["total"][0] != frame["direct"][0]

    def forbidden(*_args, **_options):
        raise AssertionError("measured twice")

    monkeypatch.setattr(ablating, "likelihood", forbidden)
    monkeypatch.setattr(ablating, "direct", forbidden)
    for one in both:
        one.work(parts, silent)


def test_choices_are_measured_in_pieces_like_any_text(gemma, pieces):
    texts = ("rain on the roof", "bread and salt", "a lamp in the hall", "cold river stones", "we went home")
    corpus = Corpus("c", {"en": [Document("d", texts)], "xx": [Document("d", texts[::-1])]}, parallel=False)
    items, samples = choice_samples(gemma, corpus)
    parts = acts(gemma)
    choices = replace(pieces, samples=samples)
    choices.work(parts, silent)
    data = chosen(read_pieces(choices.folder, choices.keys(parts)), items)
    found = accuracies(data, [mask for part in parts for mask, _ in part], chance=CHANCE, resamples=20)
    shares = data["correct"].values.reshape(2, 2, 5).mean(axis=2)
    np.testing.assert_allclose(found.accuracy["accuracy"].astype(float), shares.ravel())
