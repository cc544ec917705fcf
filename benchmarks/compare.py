"""What got slower between two runs of `bench.py --json`, by more than the noise.

    python benchmarks/compare.py before.json after.json

The noise of a workload is how far its rounds lie apart in either run. On unlike machines seconds say nothing:
there each part is compared in units of its first workload. Exits with 1 if anything got slower.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

LEAST = 1.05
"""Less than this is never called slower, however little a workload's rounds differ."""


@dataclass(frozen=True)
class Change:
    """One workload before and after.

    Attributes:
        name: Part and workload.
        before: Median seconds, in units of the reference where machines differ.
        after: The same.
        noise: What the ratio could be by chance.
    """

    name: str
    before: float
    after: float
    noise: float

    @property
    def ratio(self) -> float:
        """How many times the seconds of before."""
        return self.after / self.before

    @property
    def slower(self) -> bool:
        """Whether it got slower by more than the noise."""
        return self.ratio > max(self.noise, LEAST)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Every workload that both runs have."""
    alike = before["machine"]["cpu"] == after["machine"]["cpu"]
    for name in before["parts"].keys() & after["parts"].keys():
        old, new = before["parts"][name]["seconds"], after["parts"][name]["seconds"]
        common = [workload for workload in old if workload in new]
        for workload in common:
            units = (1.0, 1.0) if alike else (median(old[common[0]]), median(new[common[0]]))
            yield Change(
                f"{name}: {workload}",
                median(old[workload]) / units[0],
                median(new[workload]) / units[1],
                spread(old[workload]) * spread(new[workload]),
            )


def spread(seconds: Sequence[float]) -> float:
    """The slowest round over the median: 1 where all are alike."""
    return max(seconds) / median(seconds)


def main() -> None:
    """Prints what changed, the worst first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    options = parser.parse_args()
    runs = [json.loads(path.read_text()) for path in (options.before, options.after)]
    if runs[0]["machine"]["cpu"] != runs[1]["machine"]["cpu"]:
        print("Unlike machines: each part is compared in units of its first workload.")
    found = sorted(changes(*runs), key=lambda change: -change.ratio)
    for change in found:
        word = "SLOWER" if change.slower else "faster" if 1 / change.ratio > max(change.noise, LEAST) else ""
        print(f"{change.ratio:6.2f} × (noise {change.noise:.2f})  {change.name}  {word}")
    slower = [change for change in found if change.slower]
    print(f"{len(slower)} of {len(found)} got slower by more than the noise.")
    sys.exit(bool(slower))


if __name__ == "__main__":
    main()
