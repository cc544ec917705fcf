"""Paired bootstrap over documents: how far the numbers move had the report fallen on other texts.

Sentences of one document share their subject and author, so documents are what is drawn. A resample is a
vector of document counts; every mask is scored on the same resample, and the differences between masks keep
their pairing. All scores of all resamples are one matrix product a language, without a loop over resamples or
masks:

>>> log_prob = np.array([[[-4.0, -6.0]]])  # [mask, language, document], sums over the document
>>> units = np.array([[2, 3]])  # [language, document]: tokens, characters or bytes
>>> weights = resample_weights(2, 1000, seed=0)
>>> low, high = interval(scores(log_prob, units, weights))
>>> low.round(4), high.round(4)  # both documents have -2 a unit
(array([[0.1353]]), array([[0.1353]]))
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Real

from neuroglot.errors import NeuroglotError


def resample_weights(
    documents: int | Sequence[int], resamples: int, seed: int
) -> Int[np.ndarray, "resample ..."]:
    """How often each resample draws each document, with replacement.

    Args:
        documents: Their number when the languages are parallel: all then draw the same ones. Otherwise the
            number of each language: they draw independently.
        resamples: How many.
        seed: Of the draw.

    Returns:
        Counts [resample, document], or [resample, language, document], where a language with fewer documents
        than another is padded with zeros at the end.

    Raises:
        NeuroglotError: No documents or no resamples.
    """
    counts = list(documents) if isinstance(documents, Sequence) else [documents]
    if resamples < 1 or not counts or min(counts) < 1:
        raise NeuroglotError(
            f"bootstrap: {resamples} resamples of {documents} documents; both must be at least 1"
        )
    rng = np.random.default_rng(seed)
    weights = np.zeros((resamples, len(counts), max(counts)), dtype=np.int64)
    for language, count in enumerate(counts):
        weights[:, language, :count] = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    return weights if isinstance(documents, Sequence) else weights[:, 0]


def whole_then_resamples(
    documents: int | Sequence[int], resamples: int, seed: int
) -> Int[np.ndarray, "resample ..."]:
    """The weights of all documents, each once, and behind them those of `resample_weights`."""
    drawn = resample_weights(documents, resamples, seed)
    return np.concatenate([np.ones_like(drawn[:1]), drawn])


def scores(
    log_prob: Float[np.ndarray, "mask language document"],
    units: Real[np.ndarray, "language document"],
    weights: Real[np.ndarray, "resample *language document"],
) -> Float[np.ndarray, "resample mask language"]:
    """S = exp(Σ w·log p / Σ w·units): per-unit likelihood of each language under each mask and resample.

    Args:
        log_prob: Natural log-probability of each document, summed over its samples.
        units: What S is per: the document's tokens, characters or bytes.
        weights: From `resample_weights`; one row of ones gives the plain scores.

    Returns:
        S, 0 to 1; NaN where a resample drew no unit of a language.
    """
    likelihood: Float[np.ndarray, "resample mask language"] = np.exp(rates(log_prob, units, weights))
    return likelihood


def rates(
    values: Real[np.ndarray, "mask language document"],
    units: Real[np.ndarray, "language document"],
    weights: Real[np.ndarray, "resample *language document"],
) -> Float[np.ndarray, "resample mask language"]:
    """Σ w·value / Σ w·units: nats a token, or the share of trials that were right; see `scores`."""
    per_language = weights if weights.ndim == 3 else weights[:, None]
    counts = np.broadcast_to(per_language, (len(weights), *units.shape)).astype(np.float64)
    # [language, resample, document] @ [language, document, mask]
    total = np.matmul(counts.swapaxes(0, 1), values.transpose(1, 2, 0))
    size = (counts * units).sum(axis=2).T[:, :, None]
    rate: Float[np.ndarray, "language resample mask"] = total / np.where(size == 0, np.nan, size)
    return rate.transpose(1, 2, 0)


def interval(
    samples: Float[np.ndarray, "resample ..."], level: float = 0.95
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Percentile interval (low, high) over the resamples, axis 0."""
    limits = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return limits[0, ...], limits[1, ...]


@dataclass(frozen=True)
class Rho:
    """How many times a set's effect is that of its controls.

    Attributes:
        value: Mean effect of the set / mean effect of the controls; the lower limit again when ``bound``.
        low: Lower limit of the interval.
        high: Upper limit; ∞ when ``bound``.
        bound: The controls may do nothing at all, so that only "at least ``low`` times" can be said.
    """

    value: float
    low: float
    high: float
    bound: bool


def rho(
    target_delta: Float[np.ndarray, " resample"],
    control_deltas: Float[np.ndarray, "resample seed"],
    level: float = 0.95,
) -> Rho:
    """ρ = Δ log p of a set in its target language / the mean of the same over control seeds.

    A resample in which the controls do nothing, or the opposite of what they do on the whole, counts as ratio
    +∞ (−∞ if the set does not push that way either). Where the interval of the controls' mean includes 0 they
    do nothing on the whole: the set's own direction is taken, and only the lower limit is reported.

    Args:
        target_delta: The set's change of the target's log-probability, in either sign convention.
        control_deltas: The same of each control, on the same resamples.
        level: Of the intervals.
    """
    control = control_deltas.mean(axis=1)
    control_low, control_high = interval(control, level)
    bound = bool(control_low <= 0 <= control_high)
    direction = np.sign(target_delta.mean() if bound else control.mean())
    effect, unit = direction * target_delta, direction * control
    ratios = np.where(effect > 0, np.inf, -np.inf)
    np.divide(effect, unit, out=ratios, where=unit > 0)
    # Order statistics: interpolating between a number and ∞ would give ∞.
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    if bound:
        return Rho(value=float(low), low=float(low), high=float("inf"), bound=True)
    return Rho(float(target_delta.mean() / control.mean()), float(low), float(high), bound=False)
