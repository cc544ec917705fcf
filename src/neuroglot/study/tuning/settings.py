"""What a tuning may be told."""

from dataclasses import dataclass

from neuroglot.errors import NeuroglotError


@dataclass(frozen=True)
class TuneSettings:
    """How every arm is tuned; all alike.

    Attributes:
        steps: Steps of the optimiser.
        tokens: Positions of text a step, about.
        rates: Step sizes of Adam to try. Each arm keeps the one that leaves the least loss on validation, so
            that the comparison is not one of step sizes; it falls evenly to 0 over the steps. LoRA wants
            larger ones than weights themselves do, so the list is wide.
        matched: Matched random sets, each an arm of its own.
        seed: Of the split, of the order of the text, and of where LoRA starts.
    """

    steps: int = 50
    tokens: int = 256
    rates: tuple[float, ...] = (1e-4, 5e-4, 2e-3, 1e-2)
    matched: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "tokens", "matched"):
            if (value := getattr(self, name)) < 1:
                raise NeuroglotError(f"tune: {name} must be at least 1, and is {value}")
        if not self.rates or not all(0 < rate < 1 for rate in self.rates):
            raise NeuroglotError(f"tune: rates must be numbers between 0 and 1, not {list(self.rates)}")
