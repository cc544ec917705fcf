"""A sample that one model cannot read finitely counts on none of them."""

import numpy as np
import pytest

from neuroglot.study.run import Run
from neuroglot.study.transfer import transfer_frames


def test_only_samples_that_are_finite_on_every_model_count(home):
    whole = Run.open(home / "run").ablation
    broken = whole.data.copy(deep=True)
    broken["log_prob"].values[1, 0] = np.nan
    frames = transfer_frames({"a": whole, "b": type(whole)(broken, whole.masks)}, resamples=100, seed=0)
    sentences = frames["base"].set_index(["model", "language"])["sentences"]
    assert sentences["a", "en"] == sentences["b", "en"] == 5
    assert sentences["a", "fr"] == 6
    share = frames["survival"]["share"].dropna()
    assert len(share) and share.to_list() == pytest.approx([1] * len(share))
