"""Frames as a transfer leaves them, of made-up numbers."""

import pandas as pd
import pytest

from invented_ablation import invented
from neuroglot.study.transfer import transfer_frames


@pytest.fixture
def frames() -> dict[str, pd.DataFrame]:
    """On ``chat`` half of the effect is left, on ``later`` no more than of the controls'."""
    measured = {"base": invented(1, 1.0), "chat": invented(2, 0.5), "later": invented(3, 1.0, own=0.15)}
    return transfer_frames(measured, resamples=100, seed=0)


@pytest.fixture
def about() -> dict[str, object]:
    return {"title": "Sets of base on chat, later", "commands": [], "seed": 0}
