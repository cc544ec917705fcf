"""What an ablation run measured: every sample's log-probability under every mask, and what each mask is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Bool, Float, Int

from neuroglot.errors import NeuroglotError, unknown

BASE = "none"
"""The name of the mask that switches nothing off."""

EVERYTHING_OFF = "everything_off"


@dataclass(frozen=True)
class Mask:
    """What one mask is.

    Attributes:
        name: Unique in its run.
        kind: ``none``, ``recipe``, ``matched``, ``uniform`` or ``everything_off``.
        recipe: The recipe that chose it, or whose set a matched control controls.
        baseline: The kind of intervention.
        target: The language it is aimed at; empty for masks shared by all languages.
        size: Neurons.
        seed: Which of several random sets.
    """

    name: str
    kind: str
    recipe: str = ""
    baseline: str = "zero"
    target: str = ""
    size: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Ablation:
    """Masks × samples.

    Attributes:
        data: ``log_prob`` [mask, sample] with the samples' language, document and lengths, and where it was
            measured ``correct``, the tokens predicted right of ``trials`` (`likelihood`).
        masks: What each mask is, in the order of ``data``; one of them is the base, ``none``.
    """

    data: xr.Dataset
    masks: tuple[Mask, ...]

    def __post_init__(self) -> None:
        named = [mask.name for mask in self.masks]
        if named != self.data["mask"].values.tolist():
            raise NeuroglotError("the masks described are not the masks measured")
        if BASE not in named:
            raise NeuroglotError("an ablation needs the base mask 'none' to compare with")
        lost = [name for name in self.languages if not self.fit[self.data["language"].values == name].any()]
        if lost:
            raise NeuroglotError(
                f"no sample of {lost[0]!r} has a finite likelihood under every mask; "
                f"the first that fails is {self._first_failure(lost[0])!r}: try dtype float32"
            )
        for mask in self.masks:
            if mask.target and mask.target not in self.languages:
                raise unknown("language", mask.target, self.languages, f"mask {mask.name!r}")

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the text, in its order."""
        return tuple(dict.fromkeys(self.data["language"].values.tolist()))

    @cached_property
    def fit(self) -> Bool[np.ndarray, " sample"]:
        """The samples whose likelihood is finite under every mask; the others count under none."""
        finite: np.ndarray = np.isfinite(self.data["log_prob"].values).all(axis=0)
        return finite

    @property
    def finite(self) -> xr.Dataset:
        """The data of the fit samples."""
        return self.data.isel(sample=self.fit)

    def left_out(self) -> list[dict[str, Any]]:
        """What the samples that are not fit are, and the first mask under which each fails."""
        data = self.data
        return [
            {
                "language": str(data["language"].values[sample]),
                "document": str(data["document"].values[sample]),
                "sentence": int(data["sentence"].values[sample]),
                "mask": self.masks[int(np.argmin(np.isfinite(data["log_prob"].values[:, sample])))].name,
            }
            for sample in np.flatnonzero(~self.fit)
        ]

    def _first_failure(self, language: str) -> str:
        return str(next(one["mask"] for one in self.left_out() if one["language"] == language))

    @property
    def base(self) -> int:
        """The position of the base mask."""
        return [mask.name for mask in self.masks].index(BASE)

    def described(self) -> pd.DataFrame:
        """The masks as a frame, with what their proofs found."""
        frame = pd.DataFrame([asdict(mask) for mask in self.masks])
        return frame.assign(moved=self.data["moved"].values, inert=self.data["inert"].values.tolist())

    def by_document(
        self, unit: str = "tokens", value: str = "log_prob"
    ) -> tuple[
        Float[np.ndarray, "mask language document"], Int[np.ndarray, "language document"], int | Sequence[int]
    ]:
        """Sums a document, for the bootstrap.

        Args:
            unit: What S is per: ``tokens``, ``characters`` or ``bytes``; ``trials`` for ``correct``.
            value: What is summed: ``log_prob`` or ``correct``.

        Returns:
            The value's sums, units (both zero-padded where a language has fewer documents), and the number
            of documents: one number if all languages have the same ones, so that they are drawn together.

        Raises:
            NeuroglotError: The value was not measured: a run folder of an earlier version has no ``correct``.
        """
        data = self.finite
        if value not in data:
            raise NeuroglotError(f"{value!r} was not measured with these masks: switch them off again")
        language, document = data["language"].values, data["document"].values
        ids = {name: list(dict.fromkeys(document[language == name].tolist())) for name in self.languages}
        most = max(map(len, ids.values()))
        total = np.zeros((len(self.masks), len(ids), most))
        units = np.zeros((len(ids), most), dtype=np.int64)
        values, lengths = data[value].values, data[unit].values
        for row, (name, own) in enumerate(ids.items()):
            for column, one in enumerate(own):
                here = (language == name) & (document == one)
                total[:, row, column] = values[:, here].sum(axis=1)
                units[row, column] = lengths[here].sum()
        together = all(own == ids[self.languages[0]] for own in ids.values())
        return total, units, most if together else [len(own) for own in ids.values()]
