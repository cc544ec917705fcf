import random
from functools import reduce

import numpy as np
import pytest

from neuroglot.statistics.moments import merge
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import load_shard, save_shard
from neuroglot.study import reading
from neuroglot.study.passes import Shards, Summary
from neuroglot.study.reading import Chunk
from neuroglot.study.steps import samples_of

GRADIENT = Quantity("mlp", "grad", "max", 1, "logprob")


@pytest.fixture(scope="session")
def moments(gemma, home):
    """A shard of moments for each of eleven samples."""
    from neuroglot.study.config import load_study

    text = load_study(home / "study.yaml").text.parts(0)["identify"]
    samples = samples_of(gemma, text)[:11]
    summary = Summary("tokens", True)
    return [
        Chunk([sample], [GRADIENT], "logprob", None, "all", summary, {})(gemma, lambda tokens: None)
        for sample in samples
    ]


def added(moments, order, folder):
    shards = Shards(folder, "pass", len(moments), merged=True)
    for chunk in order:
        if folder is not None:
            save_shard(moments[chunk], shards.path(chunk))
        shards.add(chunk, moments[chunk])
    return shards


@pytest.mark.parametrize("chunks", [1, 2, 3, 5, 8, 11])
def test_the_sum_is_the_same_to_the_last_bit_in_any_order(moments, chunks, tmp_path):
    some, dice = moments[:chunks], random.Random(chunks)
    (inorder,) = added(some, range(chunks), None).finished()
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        (shuffled,) = added(some, dice.sample(range(chunks), chunks), folder).finished()
        assert shuffled.identical(inorder)
        assert len(list(folder.iterdir())) == 1
    plain = reduce(merge, some)["mlp"].to_dataset()
    assert int(inorder["mlp"]["samples"].sum()) == chunks
    for name, values in plain.data_vars.items():
        np.testing.assert_allclose(inorder["mlp"][name].values, values.values, rtol=1e-6, atol=1e-12)


def test_hardly_more_than_a_shard_a_level_is_kept(moments):
    shards = Shards(None, "pass", len(moments), merged=True)
    for chunk, shard in enumerate(moments):
        shards.add(chunk, shard)
        assert len(shards.held) <= 4


def test_a_pass_killed_anywhere_is_taken_up_and_nothing_counts_twice(moments, tmp_path):
    (whole,) = added(moments, range(len(moments)), None).finished()
    dice = random.Random(0)
    for attempt in range(6):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        added(moments, dice.sample(range(len(moments)), attempt * 2), folder)
        # Killed after a sum was written and before its halves were gone:
        for chunk in range(len(moments)):
            save_shard(moments[chunk], folder / f"pass-{chunk:05d}.zarr.zip") if chunk < 2 else None
        shards = Shards(folder, "pass", len(moments), merged=True)
        there = shards.resume()
        assert {0, 1} <= there
        for chunk in set(range(len(moments))) - there:
            save_shard(moments[chunk], shards.path(chunk))
            shards.add(chunk, moments[chunk])
        (found,) = shards.finished()
        assert found.identical(whole)


def test_a_damaged_sum_is_done_again_from_all_its_chunks(moments, tmp_path):
    added(moments, [0, 1, 2, 3, 4], tmp_path)
    path = tmp_path / "pass-00000-00003.zarr.zip"
    load_shard(path)
    path.write_bytes(path.read_bytes()[:1000])
    assert Shards(tmp_path, "pass", len(moments), merged=True).resume() == {4}
    assert not path.exists()


def test_a_streamed_chunk_holds_the_scores_of_few_samples_at_a_time(gemma, home, study, monkeypatch):
    samples = samples_of(gemma, study().text.parts(0)["identify"])
    chunk = Chunk(samples, [GRADIENT], "logprob", None, "all", Summary("tokens", True), {})
    done = []
    whole = chunk(gemma, done.append)
    assert sum(done) == sum(sample.tokens for sample in samples)
    seen = []
    score_samples = reading.score_samples
    monkeypatch.setattr(
        reading,
        "score_samples",
        lambda model, some, *rest, **options: (
            seen.append(len(some)) or score_samples(model, some, *rest, **options)
        ),
    )
    monkeypatch.setattr(reading, "PART_BYTES", 4 * 3 * 48 * 5)
    parts = chunk(gemma, done.append)
    assert max(seen) == 5
    assert sum(seen) == len(samples)
    for name, values in whole["mlp"].data_vars.items():
        scale = np.abs(values.values[np.isfinite(values.values)]).max() if values.dtype.kind == "f" else 1
        if not str(name).endswith("histogram"):  # a score on an edge may fall on either side
            np.testing.assert_allclose(parts["mlp"][name].values, values.values, rtol=1e-6, atol=1e-6 * scale)


def test_a_streamed_shard_has_few_languages_and_a_long_corpus_no_more_shards(gemma, study, monkeypatch):
    monkeypatch.setattr(reading, "STREAMED_SHARD_TOKENS", 40)
    samples = samples_of(gemma, study().text.parts(0)["identify"])
    one = reading.Reading(None, samples, None, "all", Summary("tokens", False), {})
    chunks = one._chunks(one.samples)
    assert sorted(sample.ids for chunk in chunks for sample in chunk) == sorted(s.ids for s in samples)
    assert sum(len({sample.language for sample in chunk}) > 1 for chunk in chunks) <= 2
    monkeypatch.setattr(reading, "STREAMED_SHARDS", 3)
    assert len(one._chunks(one.samples)) <= 4
