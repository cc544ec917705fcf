"""Ablations of made-up numbers: a set for each of three languages, its controls, everything off."""

import numpy as np
import xarray as xr

from neuroglot.evaluation.ablation import BASE, Ablation, Mask

LANGUAGES = ("en", "fr", "vi")
DOCUMENTS, SENTENCES = 6, 2
SEEDS = 2
MASKS = (
    Mask(BASE, BASE),
    Mask("off", "everything_off"),
    *(Mask(f"uniform {n}", "uniform", "uniform", seed=n) for n in range(SEEDS)),
    *(Mask(f"r {name}", "recipe", "r", target=name) for name in LANGUAGES),
    *(
        Mask(f"matched r {name} {n}", "matched", "r", target=name, seed=n)
        for name in LANGUAGES
        for n in range(SEEDS)
    ),
)
KIND = {"everything_off": 3.0, "uniform": 0.1, "matched": 0.15, "recipe": 0.2, BASE: 0.0}


def invented(seed: int, strength: float, own: float = 1.0) -> Ablation:
    """A target loses ``own`` nats a token times ``strength`` under its own set; everything is noisy."""
    text, draw = np.random.default_rng(0), np.random.default_rng(seed)
    language = np.repeat(LANGUAGES, DOCUMENTS * SENTENCES)
    count = len(language)
    tokens = text.integers(4, 12, count)
    log_prob = np.empty((len(MASKS), count))
    plain = -3 * tokens + draw.normal(0, 1, count)
    for row, mask in enumerate(MASKS):
        nats = np.where((mask.kind == "recipe") & (language == mask.target), own, KIND[mask.kind])
        log_prob[row] = plain - strength * nats * tokens * (1 + 0.3 * draw.normal(0, 1, count))
    data = xr.Dataset(
        {"log_prob": (("mask", "sample"), log_prob)},
        coords={
            "mask": [mask.name for mask in MASKS],
            "language": ("sample", language),
            "document": ("sample", np.tile(np.repeat([*"abcdef"], SENTENCES), len(LANGUAGES))),
            "sentence": ("sample", np.tile(range(SENTENCES), count // SENTENCES)),
            "tokens": ("sample", tokens),
            "characters": ("sample", tokens * 4),
            "bytes": ("sample", tokens * 5),
        },
    )
    return Ablation(data, MASKS)
