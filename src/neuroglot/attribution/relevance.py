"""Relevance: a·g where g goes back by the rules of AttnLRP or CP-LRP (Achtibat et al. 2024; Ali et al. 2022).

The rules are those of `neuroglot.model.relevance`. g is taken as it arrives from above at the site: at
``mlp`` before it is halved into gate and up, so that Σ_j R_j is the relevance of the MLP's output
less its bias.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from neuroglot.attribution.scores import Activation, token_score
from neuroglot.errors import unknown
from neuroglot.model.relevance import relevance as by_rules

RuleName = Literal["attnlrp", "cp"]


@dataclass(frozen=True)
class Relevance:
    """Options of the score ``relevance``.

    Attributes:
        rules: ``attnlrp``, or ``cp``, which takes the attention pattern as given and conserves exactly.
    """

    rules: RuleName = "attnlrp"

    def __post_init__(self) -> None:
        if self.rules not in get_args(RuleName):
            raise unknown("rules", self.rules, get_args(RuleName), "score 'relevance'")


@token_score(
    "relevance",
    gradient=True,
    power=1,
    options=Relevance,
    around=lambda model, options: by_rules(model, options.rules),
)
def relevance(a: Activation, g: Activation) -> Activation:
    """a·g under the backward rules of AttnLRP (or CP-LRP)."""
    return a * g
