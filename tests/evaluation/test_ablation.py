"""An ablation's labels and sums."""

import numpy as np
import pytest
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation, Mask

NONE = Mask("none", "none")
OFF = Mask("everything_off", "everything_off", size=9)


def text(*values):
    return np.array(values, dtype=np.dtypes.StringDType())


def data(languages, documents, masks=("none", "everything_off")):
    """Sample i has log-probability -(i+1) untouched and ten times that under the next mask; i+1 tokens."""
    number = np.arange(1, len(languages) + 1)
    factor = 10.0 ** np.arange(len(masks))
    return xr.Dataset(
        {
            "log_prob": (("mask", "sample"), -factor[:, None] * number),
            "moved": ("mask", np.linspace(0, 1, len(masks))),
            "inert": ("mask", text("the set is empty", *[""] * (len(masks) - 1))),
        },
        coords={
            "mask": text(*masks),
            "language": ("sample", text(*languages)),
            "document": ("sample", text(*documents)),
            "tokens": ("sample", number),
            "characters": ("sample", 3 * number),
            "bytes": ("sample", 7 * number),
        },
    )


PARALLEL = data(["xx", "yy", "xx", "yy", "xx", "yy"], ["d1", "d1", "d2", "d2", "d1", "d1"])


def test_sums_a_document():
    ablation = Ablation(PARALLEL, (NONE, OFF))
    assert (ablation.languages, ablation.base) == (("xx", "yy"), 0)
    log_prob, units, documents = ablation.by_document()
    expected = np.array([[1 + 5, 3], [2 + 6, 4]])
    np.testing.assert_array_equal(log_prob, [-expected, -10 * expected])
    np.testing.assert_array_equal(units, expected)
    np.testing.assert_array_equal(ablation.by_document("characters")[1], 3 * expected)
    np.testing.assert_array_equal(ablation.by_document("bytes")[1], 7 * expected)
    assert documents == 2, "the languages share their documents, which are drawn together"


def test_sums_the_tokens_predicted_right():
    with_accuracy = PARALLEL.assign(correct=-PARALLEL["log_prob"] - 1).assign_coords(
        trials=("sample", np.arange(1, 7))
    )
    right, trials, _ = Ablation(with_accuracy, (NONE, OFF)).by_document("trials", "correct")
    np.testing.assert_array_equal(right[0], [[0 + 4, 2], [1 + 5, 3]])
    np.testing.assert_array_equal(trials, [[1 + 5, 3], [2 + 6, 4]])


def test_what_was_not_measured_is_said():
    with pytest.raises(NeuroglotError, match="'correct' was not measured with these masks: switch them off"):
        Ablation(PARALLEL, (NONE, OFF)).by_document("trials", "correct")


def test_a_language_with_fewer_documents():
    ablation = Ablation(data(["xx", "xx", "yy"], ["d1", "d2", "d1"]), (NONE, OFF))
    log_prob, units, documents = ablation.by_document()
    np.testing.assert_array_equal(log_prob[0], [[-1, -2], [-3, 0]])
    np.testing.assert_array_equal(units, [[1, 2], [3, 0]])
    assert documents == [2, 1]


def test_as_many_documents_but_others():
    ablation = Ablation(data(["xx", "xx", "yy", "yy"], ["d1", "d2", "d1", "d3"]), (NONE, OFF))
    assert ablation.by_document()[2] == [2, 2], "not parallel: each language draws its own"


def test_described():
    frame = Ablation(PARALLEL, (NONE, OFF)).described()
    assert frame["name"].tolist() == ["none", "everything_off"]
    assert frame["size"].tolist() == [0, 9]
    assert frame["moved"].tolist() == [0, 1]
    assert frame["inert"].tolist() == ["the set is empty", ""]


def test_refuses_what_does_not_belong_together():
    with pytest.raises(NeuroglotError, match="masks described are not the masks measured"):
        Ablation(PARALLEL, (OFF, NONE))
    with pytest.raises(NeuroglotError, match="masks described are not the masks measured"):
        Ablation(PARALLEL, (NONE,))
    without = PARALLEL.sel(mask=["everything_off"])
    with pytest.raises(NeuroglotError, match="needs the base mask 'none'"):
        Ablation(without, (OFF,))


def test_a_mask_aimed_at_a_language_without_text():
    with pytest.raises(NeuroglotError, match="mask 'none': unknown language 'xz'; did you mean 'xx'"):
        Ablation(PARALLEL, (Mask("none", "none", target="xz"), OFF))


def with_sentences(languages, documents):
    found = data(languages, documents)
    return found.assign_coords(sentence=("sample", np.arange(len(languages))))


def test_a_sample_that_is_not_finite_under_a_mask_counts_under_none():
    broken = with_sentences(["xx", "xx", "yy"], ["d1", "d2", "d1"])
    broken["log_prob"].values[1, 0] = np.nan
    ablation = Ablation(broken, (NONE, OFF))
    log_prob, units, documents = ablation.by_document()
    np.testing.assert_array_equal(log_prob, [[[-2], [-3]], [[-20], [-30]]])
    np.testing.assert_array_equal(units, [[2], [3]])
    assert documents == [1, 1]
    assert ablation.left_out() == [
        {"language": "xx", "document": "d1", "sentence": 0, "mask": "everything_off"}
    ]


def test_a_language_without_a_finite_sample_is_an_error():
    broken = with_sentences(["xx", "yy"], ["d1", "d1"])
    broken["log_prob"].values[1, 1] = -np.inf
    with pytest.raises(NeuroglotError, match=r"no sample of 'yy' has a finite .*'everything_off': try dtype"):
        Ablation(broken, (NONE, OFF))
