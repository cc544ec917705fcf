"""Shards of made-up scores."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import samples_shard
from neuroglot.text.samples import Sample


@pytest.fixture(scope="session")
def shard_of() -> Callable[..., xr.DataTree]:
    """Builds a shard: (languages, one a sample; quantity → scores [sample, layer, neuron]) → tree."""

    def build(
        languages: list[str],
        scores: dict[Quantity, np.ndarray],
        first: int = 0,
        layers: list[int] | None = None,
        **attributes: object,
    ) -> xr.DataTree:
        samples = [
            Sample(language, f"d{n % 3}", n, tuple(range(4 + n % 5)), 20 + n % 7, 30 + n % 11)
            for n, language in enumerate(languages, start=first)
        ]
        depth = next(iter(scores.values())).shape[1]
        return samples_shard(samples, scores, layers or list(range(depth)), attributes)

    return build
