"""The sections of a comparison, in their order: what came out first, then what it came from."""

from collections.abc import Callable

from neuroglot.study.comparison.comparing import Comparing
from neuroglot.study.comparison.cost import cost
from neuroglot.study.comparison.crossed import crossed
from neuroglot.study.comparison.faithfulness import faithfulness
from neuroglot.study.comparison.known import known
from neuroglot.study.comparison.overlap import overlap
from neuroglot.study.comparison.stability import stability
from neuroglot.study.comparison.standings import standings
from neuroglot.study.sections import Frames

SECTIONS: dict[str, Callable[[Comparing], Frames]] = {
    "standings": standings,
    "crossed": crossed,
    "faithfulness": faithfulness,
    "overlap": overlap,
    "stability": stability,
    "cost": cost,
    "known": known,
}
