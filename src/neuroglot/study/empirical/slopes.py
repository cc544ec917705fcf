"""The measured lines of a site under one kind of shift, and the estimates of their slopes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Bool, Float

from neuroglot.attribution.lines import Lines, fit_lines
from neuroglot.study.empirical.settings import NegSettings, Shift

Values = Float[np.ndarray, "prompt neuron"]

ESTIMATORS = ("gradient", "neurgrad", "grad_act", "integrated_gradients", "two_point")


@dataclass(frozen=True)
class Slopes:
    """What was measured, an array [prompt, neuron] each.

    Attributes:
        data: The pieces of the site.
        shift: The kind of shift.
        slope: Of s on δ.
        r: NaN where s is saturated.
        reach: See `Lines`.
        saturated: Where s is the same over the grid.
        two_point: The slope between the two innermost points.
    """

    data: xr.Dataset
    shift: Shift
    slope: Values
    r: Values
    reach: Values
    saturated: Bool[np.ndarray, "prompt neuron"]
    two_point: Values

    @classmethod
    def of(cls, data: xr.Dataset, shift: Shift) -> "Slopes":
        """Fits the lines. Along the sign they are the plain shift's, turned round where a < 0.

        Where a = 0 there is no sign: nothing is moved, and the slope is 0.
        """
        lines: list[Lines] = [fit_lines(data["delta"].values, s) for s in data["s"].values]
        slope, r, reach, saturated = (
            np.array([getattr(line, name) for line in lines]) for name in ("slope", "r", "reach", "saturated")
        )
        middle, s = len(data["delta"]) // 2, data["s"].values.astype(np.float64)
        step = float(data["delta"][middle + 1])
        two_point = (s[..., middle + 1] - s[..., middle - 1]) / (2 * step)
        turn = np.sign(data["activation"].values).astype(np.float64)
        if shift == "plain":
            turn = np.ones_like(turn)
        still = turn == 0
        return cls(
            data,
            shift,
            slope * turn,
            np.where(still, np.nan, r * turn),
            np.where(still, 0.0, reach),
            saturated | still,
            two_point * turn,
        )

    def estimates(self) -> Mapping[str, Values]:
        """What each of `ESTIMATORS` says, for a shift in the neuron's unit."""
        a, g, unit = (
            self.data[name].values.astype(np.float64) for name in ("activation", "gradient", "unit")
        )
        return {
            "gradient": g * unit,
            "neurgrad": g * np.sign(a) * unit,
            "grad_act": g * a,
            "integrated_gradients": self.data["integrated"].values,
            "two_point": self.two_point,
        }

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """Of a table with a row a pair, prompt by prompt."""
        prompts, neurons = self.slope.shape
        return {
            "prompt": np.repeat(self.data["prompt"].values, neurons),
            "layer": np.tile(self.data["layer"].values, prompts),
            "neuron": np.tile(self.data["index"].values, prompts),
        }


def all_slopes(measured: Mapping[str, xr.Dataset], settings: NegSettings) -> dict[tuple[str, Shift], Slopes]:
    """(site, shift) → what was measured."""
    return {
        (site, shift): Slopes.of(data, shift) for site, data in measured.items() for shift in settings.shifts
    }
