import json
from dataclasses import replace

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.progress import silent
from neuroglot.statistics.quantity import Quantity
from neuroglot.study import reading
from neuroglot.study.digest import digest
from neuroglot.study.executors.local import Local
from neuroglot.study.passes import Summary
from neuroglot.study.reading import Reading, finished_bank
from neuroglot.study.recipe import load_recipe
from neuroglot.study.steps import samples_of

FIRES = Quantity("mlp", "active", "sum")
GRADIENT = Quantity("mlp", "grad", "max", 1, "logprob")
OTHER = Quantity("mlp", "grad", "max", 1, "gold_logit")


@pytest.fixture
def passes(monkeypatch) -> list[tuple[str, tuple[Quantity, ...], int]]:
    """(objective, quantities, samples) of every shard that is computed."""
    done = []
    score_samples = reading.score_samples

    def counted(model, samples, quantities, **options):
        done.append((options["objective"], tuple(quantities), len(samples)))
        return score_samples(model, samples, quantities, **options)

    monkeypatch.setattr(reading, "score_samples", counted)
    monkeypatch.setattr(reading, "SHARD_TOKENS", 200)
    monkeypatch.setattr(reading, "STREAMED_SHARD_TOKENS", 300)
    return done


@pytest.fixture
def whole(gemma, study) -> Reading:
    text = study().text.parts(0)["identify"]
    return Reading(Local(gemma), samples_of(gemma, text), None, "all", None, {})


def test_a_pass_is_read_in_shards_and_forward_scores_ride_on_a_backward(whole, passes):
    bank = whole.bank([FIRES, GRADIENT, OTHER], None, silent)
    assert len(bank.shards) == len(passes)
    assert {(objective, quantities) for objective, quantities, _ in passes} == {
        ("logprob", (FIRES, GRADIENT)),
        ("gold_logit", (OTHER,)),
    }
    assert sum(samples for objective, _, samples in passes if objective == "logprob") == len(whole.samples)


def test_what_a_folder_holds_is_not_read_again(whole, passes, tmp_path):
    first = whole.bank([FIRES], tmp_path, silent)
    passes.clear()
    bank = whole.bank([FIRES, GRADIENT], tmp_path, silent)
    assert {quantities for _, quantities, _ in passes} == {(GRADIENT,)}
    passes.clear()
    again = finished_bank(tmp_path)
    for quantity, statistic in ((FIRES, "rate"), (GRADIENT, "mean")):
        assert again.statistic(quantity, statistic).equals(bank.statistic(quantity, statistic))
    assert again.statistic(FIRES, "rate").equals(first.statistic(FIRES, "rate"))
    assert not passes


@pytest.mark.parametrize(
    ("kept", "wanted", "reads"),
    [
        (None, None, False),
        (None, Summary("bytes", True), False),  # every sample can say it
        (Summary("tokens", True), Summary("tokens", False), False),
        (Summary("tokens", False), Summary("tokens", True), True),
        (Summary("tokens", False), Summary("bytes", False), True),
        (Summary("tokens", False), None, True),
    ],
)
def test_a_pass_that_kept_too_little_is_read_again(whole, passes, tmp_path, kept, wanted, reads):
    replace(whole, summary=kept).bank([GRADIENT], tmp_path, silent)
    passes.clear()
    bank = replace(whole, summary=wanted).bank([GRADIENT], tmp_path, silent)
    assert bool(passes) == reads
    # Nothing of the other making is left to be averaged in.
    unit = wanted.unit if wanted else "tokens"
    found = finished_bank(tmp_path).statistic(GRADIENT, "mean", unit)
    assert found.equals(bank.statistic(GRADIENT, "mean", unit))
    fresh = replace(whole, summary=wanted).bank([GRADIENT], None, silent)
    assert abs(found - fresh.statistic(GRADIENT, "mean", unit)).max() < 1e-6


def test_half_a_streamed_pass_is_not_continued_as_a_stored_one(whole, passes, tmp_path):
    streamed = replace(whole, summary=Summary("tokens", False))
    streamed.bank([GRADIENT], tmp_path, silent)
    next(tmp_path.glob("*.json")).unlink()  # as if killed before it was finished
    bank = whole.bank([GRADIENT], tmp_path, silent)
    assert {shard.children["mlp"].attrs["kind"] for shard in bank.shards} == {"samples"}
    assert len(list(tmp_path.glob("*.zarr.zip"))) == len(bank.shards)


def test_a_bank_without_one_of_its_shards_is_no_bank(whole, passes, tmp_path):
    whole.bank([GRADIENT], tmp_path, silent)
    shards = sorted(tmp_path.glob("*.zarr.zip"))
    assert len(shards) > 1
    shards[0].unlink()
    with pytest.raises(NeuroglotError, match="there is no bank file"):
        finished_bank(tmp_path)
    passes.clear()
    whole.bank([GRADIENT], tmp_path, silent)
    assert len(passes) == 1  # the shard that was lost, and no other
    finished_bank(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"shards": 1}', json.dumps({"shards": 1, "quantities": [{"x": 1}]})]
)
def test_a_damaged_index_is_one_line(content, tmp_path):
    (tmp_path / "abc.json").write_text(content)
    with pytest.raises(NeuroglotError, match=r"abc.json' is truncated or damaged; score again"):
        finished_bank(tmp_path)


def test_a_streamed_bank_knows_one_unit():
    grad_act = load_recipe("grad_act")
    assert Summary.needed_by([grad_act], [FIRES]) == Summary("tokens", False)
    median = load_recipe("grad_act", samples="median", per="bytes")
    assert Summary.needed_by([median], []) == Summary("bytes", True)
    for recipes, also in (([median, grad_act], []), ([median], [FIRES])):
        with pytest.raises(NeuroglotError, match=r"knows one unit: .* per bytes and per tokens"):
            Summary.needed_by(recipes, also)


@pytest.mark.parametrize("name", ["plnd", "experts", "knowledge_neurons"])
def test_what_needs_every_sample_is_refused_before_the_pass_where_they_do_not_fit(name):
    with pytest.raises(NeuroglotError, match=rf"recipe '{name}' needs every sample's for its"):
        Summary.needed_by([load_recipe("grad_act"), load_recipe(name)], [])


def test_a_digest_tells_parts_apart():
    assert digest("a", ["b"]) == digest("a", ["b"])
    assert len({digest("ab"), digest("a", "b"), digest(["a", "b"]), digest("ab", None)}) == 4
