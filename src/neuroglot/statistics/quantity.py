"""What a pass keeps: one score at one site, reduced over a sample's tokens."""

from dataclasses import dataclass

UNITS = ("tokens", "characters", "bytes")
"""What N may count when a sample's score is divided by its length."""


@dataclass(frozen=True, order=True)
class Quantity:
    """The name of one array of the score bank.

    Attributes:
        site: Where the neurons are.
        score: The per-token score.
        reduction: Tokens → sample.
        power: A sample's score is divided by N to this power, because s is a sum over N units (METHODS §1).
        objective: The s of a gradient score; empty for a score of the forward pass.
    """

    site: str
    score: str
    reduction: str
    power: int = 0
    objective: str = ""

    @property
    def variable(self) -> str:
        """Its name in the dataset of its site."""
        parts = (self.score, self.reduction, self.objective)
        return ".".join(part for part in parts if part)
