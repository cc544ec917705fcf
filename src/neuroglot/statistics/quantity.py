"""What a pass keeps: one score at one site, reduced over a sample's tokens."""

import json
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
        options: The score's options that are not its defaults, as JSON; empty if there are none.
        sentences: Only so many sentences a language are read for it; 0: all.
    """

    site: str
    score: str
    reduction: str
    power: int = 0
    objective: str = ""
    options: str = ""
    sentences: int = 0

    @property
    def variable(self) -> str:
        """Its name in the dataset of its site."""
        options = ",".join(f"{key}={value}" for key, value in json.loads(self.options or "{}").items())
        options = options.replace(":", "-").replace("/", "-")  # marks of the bank's own
        limit = f"@{self.sentences}" if self.sentences else ""
        parts = (self.score, self.reduction, self.objective, options + limit)
        return ".".join(part for part in parts if part)
