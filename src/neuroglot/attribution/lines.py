"""The least-squares line of s on the shift of a neuron: its empirical gradient (Zhao et al. 2024)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Real

from neuroglot.errors import NeuroglotError

LINEAR = 0.95
"""|r| from which on a line is called one (Zhao et al. 2024)."""

ROUNDING = 1e-6
"""What s moves by, relative to itself, when nothing moves: the rounding of float32."""


@dataclass(frozen=True)
class Lines:
    """One line a neuron.

    Attributes:
        slope: Of s on δ; 0 where s is saturated.
        r: Pearson's, NaN where s is saturated.
        reach: The largest |δ| of the grid such that over all points up to it |r| ≥ `LINEAR`; 0 if there is
            none.
        saturated: Whether s is the same everywhere, to the rounding of float32.
    """

    slope: Float64[np.ndarray, " neuron"]
    r: Float64[np.ndarray, " neuron"]
    reach: Float64[np.ndarray, " neuron"]
    saturated: Bool[np.ndarray, " neuron"]


def symmetric_grid(reach: float, step: float) -> Float64[np.ndarray, " point"]:
    """−reach, …, −step, 0, step, …, reach.

    Raises:
        NeuroglotError: That is fewer than three values.
    """
    count = int(reach / step + 1e-9) if step > 0 else 0
    if count < 1:
        raise NeuroglotError(
            f"grid {reach:g}:{step:g} has one point, and a line needs three: "
            "write it as reach:step, the step above 0 and at most the reach"
        )
    return np.arange(-count, count + 1) * step


def fit_lines(grid: Real[np.ndarray, " point"], s: Real[np.ndarray, "neuron point"]) -> Lines:
    """Fits a line to every neuron.

    Args:
        grid: Shifts, symmetric around 0 (`symmetric_grid`).
        s: What became of s.
    """
    values = s.astype(np.float64)
    slope, r = _fit(grid, values)
    saturated = np.ptp(values, axis=1) <= ROUNDING * np.abs(values).max(axis=1)
    reach = np.zeros(len(values))
    for width in np.unique(np.abs(grid))[1:]:
        inside = np.abs(grid) <= width
        reach[np.abs(_fit(grid[inside], values[:, inside])[1]) >= LINEAR] = width
    return Lines(
        np.where(saturated, 0.0, slope),
        np.where(saturated, np.nan, r),
        np.where(saturated, 0.0, reach),
        saturated,
    )


def _fit(
    grid: Real[np.ndarray, " point"], values: Float64[np.ndarray, "neuron point"]
) -> tuple[Float64[np.ndarray, " neuron"], Float64[np.ndarray, " neuron"]]:
    """Slope and r."""
    x = grid - grid.mean()
    y = values - values.mean(axis=1, keepdims=True)
    slope = y @ x / (x @ x)
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 where nothing moves: NaN
        r = y @ x / np.sqrt((x @ x) * np.square(y).sum(axis=1))
    return slope, r
