"""Chance that belongs to a sample: the same numbers in whatever batch, order or process it is read."""

import hashlib

import torch

from neuroglot.text.samples import Sample


def dice(sample: Sample, *more: object) -> torch.Generator:
    """A generator on the processor, seeded by a sample's token ids and whatever else tells draws apart.

    >>> torch.rand(2, generator=dice(sample, seed, "mlp", 3))   # doctest: +SKIP
    """
    return seeded(sample.ids, *more)


def seeded(*parts: object) -> torch.Generator:
    """A generator on the processor, seeded by values that print the same everywhere."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
