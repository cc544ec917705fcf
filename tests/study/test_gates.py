"""Gate gradients against finite differences; the search on text in which a language owns its bytes."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.study.gates import GateSettings, gate_gradients, search_gates
from neuroglot.study.gates.judge import Judge
from neuroglot.study.gates.narrow import narrowed
from neuroglot.study.gates.preference import Preference, ranks
from neuroglot.study.gates.state import read_state, write_state
from neuroglot.text.samples import Sample
from tiny import VOCABULARY, tiny_model

LAYERS, WIDTH = 3, 48
BYTES = {"en": (10, 40), "fr": (60, 90), "vi": (110, 140)}
"""Each language keeps to its own tokens."""


def samples(count: int = 6, document: str = "a", seed: int = 0) -> tuple[Sample, ...]:
    dice = np.random.default_rng(seed)
    made = []
    for language, (low, high) in BYTES.items():
        for sentence in range(count):
            ids = (2, *dice.integers(low, high, size=int(dice.integers(4, 12))).tolist())
            made.append(Sample(language, document, sentence, ids, len(ids) - 1, len(ids) - 1))
    return tuple(made)


def only(*languages: str) -> list[Sample]:
    return [sample for sample in samples(2, "b") if sample.language in languages]


@pytest.fixture(scope="module")
def exact():
    """In float64, so that only a wrong formula can differ."""
    model = tiny_model("gemma3_text")
    model.network.double()
    return type(model)(model.network, model.tokenizer, model.name)


def log_prob(model, sample: Sample, gates: torch.Tensor) -> float:
    """s by full logits, with every activation multiplied by its gate: nothing of our own hooks."""
    handles = [
        block.mlp.down_proj.register_forward_pre_hook(lambda _, args, own=own: (args[0] * own,))
        for block, own in zip(model.network.model.layers, gates, strict=True)
    ]
    ids = torch.tensor([sample.ids])
    with torch.no_grad():
        logits = model.network(ids).logits[0, :-1].double().log_softmax(-1)
    for handle in handles:
        handle.remove()
    return float(logits.gather(1, ids[0, 1:, None]).sum())


def test_the_gradient_is_that_of_a_gate_silent_or_not(exact):
    text = samples(2)
    off = np.random.default_rng(1).random((2, LAYERS, WIDTH)) < 0.3
    masks = [row % 2 for row in range(len(text))]
    found, value = gate_gradients(exact, text, off, masks)
    neurons = [(layer, neuron) for layer in range(LAYERS) for neuron in (0, 11, 29, 47)]
    silent = 0
    for row, sample in enumerate(text):
        gates = torch.from_numpy(~off[masks[row]]).double()
        assert value[row] == pytest.approx(log_prob(exact, sample, gates), rel=1e-5)
        for place in neurons:
            moved = []
            for step in (1e-2, -1e-2):
                nudged = gates.clone()
                nudged[place] += step
                moved.append(log_prob(exact, sample, nudged))
            # Norms compute in float32, whatever the weights are: a smaller step would drown in rounding.
            assert found[row][place] == pytest.approx((moved[0] - moved[1]) / 2e-2, rel=2e-2, abs=2e-3)
            silent += off[masks[row]][place]
    assert 10 < silent < len(text) * len(neurons) - 10  # both kinds were tried
    assert np.abs(found[0][off[0]]).max() > 0.01  # a silent neuron has a gradient, too


def test_a_row_does_not_depend_on_its_batch(exact):
    text = samples(3)
    off = np.random.default_rng(2).random((3, LAYERS, WIDTH)) < 0.5
    masks = [row % 3 for row in range(len(text))]
    together, value = gate_gradients(exact, text, off, masks, token_budget=10_000)
    for row, sample in enumerate(text):
        alone, own = gate_gradients(exact, [sample], off[masks[row]][None], [0])
        np.testing.assert_allclose(together[row], alone[0], rtol=1e-4, atol=1e-5)
        assert value[row] == pytest.approx(own[0], rel=1e-6)


def test_rows_need_a_mask_that_fits(gemma):
    with pytest.raises(NeuroglotError, match="do not fit"):
        gate_gradients(gemma, samples(1), np.zeros((1, LAYERS, WIDTH + 1), dtype=bool), [0] * 3)
    with pytest.raises(NeuroglotError, match="3 rows need one of 1 masks"):
        gate_gradients(gemma, samples(1), np.zeros((1, LAYERS, WIDTH), dtype=bool), [0, 0, 1])


def test_a_narrow_head_is_a_softmax_over_what_it_kept(gemma):
    text = samples(2)
    narrow = narrowed(gemma, text, 120)
    assert len(narrow.head.weight) == 120
    hidden = torch.randn(5, 32)
    target = torch.tensor([sample.ids[1] for sample in text][:5])
    kept = (narrow.head.place >= 0).nonzero()[:, 0]
    assert set(token for sample in text for token in sample.ids) <= set(kept.tolist())
    hidden.requires_grad_()
    expected = (hidden @ gemma.head.weight[kept].T).log_softmax(-1)[range(5), narrow.head.place[target]]
    expected.sum().backward()
    value, slope = narrow.head.log_prob(hidden.detach(), target, gradient=True)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(slope, hidden.grad)
    assert narrowed(gemma, text, 0) is gemma
    assert narrowed(gemma, text, VOCABULARY) is gemma


def judged(tolerated: float) -> list[dict[str, float]]:
    """Masks that hurt their target."""
    text = samples(6)
    judge = Judge.of(tiny_model("gemma3_text"), "mlp", text, list(BYTES), tolerated)
    masks = np.random.default_rng(0).random((9, LAYERS, WIDTH)) < 0.4
    return [row for row in judge(masks, [0] * 9) if row["drop"] > 0]


def test_collateral_beyond_what_is_tolerated_is_taken_off():
    none, some = judged(0.0), judged(0.1)
    assert [row["f1"] for row in none] == [row["f1"] for row in some]
    for strict, lenient in zip(none, some, strict=True):
        assert strict["worth"] == pytest.approx(strict["f1"] - strict["collateral_mean"])
        assert lenient["worth"] == pytest.approx(lenient["f1"] - max(0, lenient["collateral_mean"] - 0.1))
    assert any(row["collateral_mean"] > 0.1 for row in some)


def preference(**change) -> Preference:
    one = Preference.of(0, 3, weight=2.0, rate=0.1, size=2, start=np.arange(6.0).reshape(2, 3))
    for name, value in change.items():
        setattr(one, name, np.array(value))
    return one


def test_ranks_choose_what_the_scores_choose():
    scores = np.array([[3.0, np.nan, 7.0], [7.0, -np.inf, 1.0]])
    np.testing.assert_allclose(ranks(scores), [[0.6, 0.2, 1.0], [0.8, 0.0, 0.4]])
    assert preference().mask.tolist() == [[False] * 3, [False, True, True]]


def test_a_move_is_the_formula():
    gradient = np.random.default_rng(0).normal(size=(3, 2, 3)).astype(np.float32)
    one = preference(gradient=gradient, change=[-1.0, -0.5, 0.2])
    before = one.theta.copy()
    one.move(0.5, 0.25, sharpness=3.0)
    left = np.exp([-1.0, -0.5, 0.0])  # who gained has lost nothing
    odds = np.exp(3.0 * (1 - left[1:]))
    odds /= odds.sum()
    wish = left[0] * gradient[0]
    for share, lost, own in zip(odds, left[1:], gradient[1:], strict=True):
        wish = wish - 2.0 * 0.25 * share * lost * np.maximum(own, 0)
    scale = np.sort(np.abs(wish).ravel())[-2]
    np.testing.assert_allclose(one.theta - before, 0.05 * np.clip(wish / scale, -1, 1), rtol=1e-5)


def test_running_means_start_as_plain_means():
    one = preference()
    for value in (1.0, 3.0):
        one.learn(1, np.full((2, 3), value, dtype=np.float32), -value, memory=0.8)
    assert one.change[1] == -2 and (one.gradient[1] == 2).all()
    for _ in range(5):
        one.learn(1, np.zeros((2, 3), dtype=np.float32), 0.0, memory=0.5)
    assert one.change[1] == pytest.approx(-2 * 0.5**5)
    assert one.change[0] == one.change[2] == 0


def test_the_other_languages_are_drawn_by_what_they_lost():
    one = preference(change=[-1.0, -2.0, 0.0])
    drawn = [one.others(1, 10.0, np.random.default_rng(seed))[0] for seed in range(200)]
    assert 0 not in drawn
    assert 130 < drawn.count(1) < 170  # half of an even draw, and nearly all of the other half
    assert sorted(one.others(9, 10.0, np.random.default_rng(0))) == [1, 2]


SETTINGS = GateSettings(
    steps=12,
    trial=4,
    validate_every=2,
    patience=9,
    vocabulary=0,
    weights=(1.0, 3.0),
    rates=(0.1,),
    target_sentences=6,
    other_sentences=6,
)


def search(gemma, **more):
    """A search for two of three languages from a random ranking."""
    start = {name: np.random.default_rng(5).random((LAYERS, WIDTH)) for name in ("en", "vi")}
    given = {"settings": SETTINGS} | more
    return search_gates(gemma, samples(12), samples(12, "b", seed=1), start, 14, **given)


def test_a_search_finds_more_than_its_start(gemma):
    settings = GateSettings(
        steps=60,
        trial=60,
        validate_every=60,
        rates=(0.1,),
        weights=(1.0,),
        target_sentences=12,
        vocabulary=0,
    )
    start = {name: np.random.default_rng(5).random((LAYERS, WIDTH)) for name in BYTES}
    found = search_gates(gemma, samples(24), samples(24, "b", seed=1), start, 28, settings=settings)
    first, last = np.mean([[row["f1"] for row in one.curve] for one in found.values()], axis=0)
    assert last > 2 * first and last > 0.1  # a step in the wrong direction ends at 0


def test_a_search_says_how_it_went(gemma):
    told = []

    def track(_what, total):
        told.append(total)
        return nullcontext(told.append)

    found = search(gemma, track=track)
    assert list(found) == ["en", "vi"]
    for name, one in found.items():
        curve = one.curve
        assert one.mask.sum() == 14
        assert one.worth == max(row["worth"] for row in curve)
        assert [row["step"] for row in curve] == [0, 2, 2, 4, 4, 6, 8, 10, 12]
        assert {row["language"] for row in curve} == {name}
        assert {row["weight"] for row in curve[1:5]} == {1.0, 3.0}
        trial = max(curve[3:5], key=lambda row: row["worth"])
        assert {row["weight"] for row in curve[5:]} == {trial["weight"]}
    assert told[0] == 2 * 12 and sum(told[1:]) == 2 * 12


def test_a_search_of_the_same_seed_is_the_same(gemma):
    first, second = search(gemma), search(gemma)
    for name in first:
        np.testing.assert_array_equal(first[name].mask, second[name].mask)
        assert repr(first[name].curve) == repr(second[name].curve)  # NaN is not equal to itself


def test_patience_ends_a_search(gemma):
    none = GateSettings(steps=50, trial=2, validate_every=2, patience=2, vocabulary=0, rates=(1e-9,))
    for one in search(gemma, settings=none).values():
        assert one.curve[-1]["step"] == 4


@pytest.mark.parametrize("moment", [1, 9, 30, 56])
def test_a_search_that_was_killed_ends_where_it_would_have(gemma, tmp_path, monkeypatch, moment):
    whole = search(gemma)

    class Killed(BaseException):
        pass

    calls = 0
    body = type(gemma).body

    def fails_once(self, ids):
        nonlocal calls
        calls += 1
        if calls == moment:
            raise Killed
        return body(self, ids)

    monkeypatch.setattr(type(gemma), "body", fails_once)
    with pytest.raises(Killed):
        search(gemma, folder=tmp_path)
    again = search(gemma, folder=tmp_path)
    for name in whole:
        np.testing.assert_array_equal(whole[name].mask, again[name].mask)
        assert repr(whole[name].curve) == repr(again[name].curve)
    before = calls
    search(gemma, folder=tmp_path)  # what is finished is only read again
    assert calls == before
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]


def test_a_search_of_another_making_begins_anew(gemma, tmp_path):
    search(gemma, folder=tmp_path)
    search(gemma, folder=tmp_path, settings=GateSettings(steps=2, trial=2, vocabulary=0, rates=(0.1,)))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_state_is_one_line(tmp_path):
    path = tmp_path / "gates.safetensors"
    assert read_state(path) is None
    write_state(path, {"a": np.arange(3)}, {"step": 2})
    arrays, about = read_state(path)
    assert arrays["a"].tolist() == [0, 1, 2] and about == {"step": 2}
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(NeuroglotError, match="remove it to begin"):
        read_state(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validation": samples(2)}, "document 'a' (en) is in both"),
        ({"validation": only("en", "vi")}, "no validation text in 'fr'"),
        ({"train": only("en")}, "at least one other language"),
        ({"start": {"de": np.zeros((LAYERS, WIDTH))}}, "no training text in 'de'"),
        ({"start": {}}, "no ranking"),
        ({"start": {"en": np.zeros((LAYERS, 2))}}, "the ranking of 'en' is (3, 2)"),
        ({"budget": 1000}, "more than the 144"),
    ],
)
def test_what_cannot_be_searched_is_said_first(gemma, change, message):
    given = {
        "train": samples(2),
        "validation": samples(2, "b"),
        "start": {"en": np.zeros((LAYERS, WIDTH))},
        "budget": 5,
    }
    with pytest.raises(NeuroglotError) as error:
        search_gates(gemma, **given | change)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"weights": ()}, {"rates": (0.0,)}, {"memory": 1.0}, {"target_sentences": 0}]
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(NeuroglotError, match=next(iter(wrong))):
        GateSettings(**wrong)
