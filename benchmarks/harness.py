"""What every part of the benchmark hands in: seconds, aims, figures; and how they are written down."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Aim:
    """Something that was aimed at, and what was found.

    Attributes:
        what: In words, with its limit: "all scores ≤ 1.10 × floor".
        found: The figure.
        limit: What it is held against.
        at_least: Whether it should be at least the limit; default: at most.
    """

    what: str
    found: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure meets the aim."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit


@dataclass(frozen=True)
class Part:
    """What one part of the benchmark found.

    Attributes:
        name: The part.
        seconds: Workload → seconds of every round.
        aims: Measured against aimed.
        figures: Further numbers, by what they are.
        notes: What a reader of the numbers must know.
    """

    name: str
    seconds: Mapping[str, Sequence[float]]
    aims: Sequence[Aim]
    figures: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """For the file that `compare.py` reads."""
        return asdict(self) | {"aims": [asdict(aim) | {"met": aim.met} for aim in self.aims]}


def ratio(seconds: Mapping[str, Sequence[float]], name: str, to: str) -> float:
    """The median of the rounds' own ratios: what slowed a whole round cancels."""
    return median(one / other for one, other in zip(seconds[name], seconds[to], strict=True))
