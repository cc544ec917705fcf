"""Everything that is aimed at, measured in one run: `make bench`.

    python benchmarks/bench.py --json bench.json
    python benchmarks/bench.py --only pass masks
    python benchmarks/compare.py before.json after.json

Takes about a quarter of an hour on two cores (extras ``demo`` and ``dev``; Linux). Ratios are taken within a
round of one run, because shared machines are noisy. `benchmarks/NOTES.md` has outcomes and what did not work.
"""

import argparse
import json
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

import measure
from harness import Part
from workloads import Bench

PARTS = {
    "pass": "passes",
    "scaling": "scaling",
    "masks": "masks",
    "conductance": "conductance",
    "neurons": "neurons",
    "estimate": "expected",
    "analysis": "analysis",
    "start": "start",
    "workers": "workers",
}
"""Part → its module; in the order of the run."""


def run(names: list[str], model: str, tokens: int, rounds: int, console: Console) -> dict[str, Any]:
    """Every part in turn, as JSON would have it."""
    before = measure.machine()
    began = time.perf_counter()
    parts = {}
    with console.status("loading …") as status:
        bench = Bench.of(model, tokens)
        for name in names:
            start = time.perf_counter()
            say = lambda text, name=name: status.update(f"{name}: {text}")  # noqa: E731
            part: Part = import_module(PARTS[name]).measure(bench, rounds, say)
            parts[name] = part.as_json() | {"took": time.perf_counter() - start}
            console.print(of_part(parts[name]))
            console.file.flush()  # a log shows each part as it gets done
    return {
        "machine": {**before, "load_after": measure.machine()["load"]},
        "model": model,
        "rounds": rounds,
        "took": time.perf_counter() - began,
        "parts": parts,
    }


def of_part(part: Mapping[str, Any]) -> Table:
    """The seconds and figures of a part."""
    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"{part['name']} ({part['took']:.0f} s)",
        caption="\n".join(part["notes"]),
        title_justify="left",
        caption_justify="left",
    )
    for column in ("", "median s", "least", "most"):
        table.add_column(column, justify="right" if column else "left")
    for name, taken in part["seconds"].items():
        table.add_row(name, f"{median(taken):.3g}", f"{min(taken):.3g}", f"{max(taken):.3g}")
    table.add_section()
    for name, figure in part["figures"].items():
        table.add_row(name, f"{figure:.3g}")
    return table


def of_aims(result: Mapping[str, Any]) -> Table:
    """Measured against aimed, of all parts."""
    here = result["machine"]
    table = Table(
        box=box.SIMPLE_HEAD,
        title="measured against aimed",
        title_justify="left",
        caption=f"{here['cpu']}, {here['threads']} threads, bfloat16 products: {here['bfloat16']}, "
        f"torch {here['torch']}, load {here['load']:.1f} before and {here['load_after']:.1f} after; "
        f"{result['rounds']} rounds, {result['took'] / 60:.1f} minutes",
        caption_justify="left",
    )
    for column in ("part", "aim", "found", "met"):
        table.add_column(column, justify="right" if column == "found" else "left")
    for name, part in result["parts"].items():
        for aim in part["aims"]:
            met = "[green]yes[/]" if aim["met"] else "[red]no[/]"
            table.add_row(name, aim["what"], f"{aim['found']:.3g}", met)
    return table


def main() -> None:
    """Reads the command line, measures, prints, writes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts")
    parser.add_argument("--model", default="gemma3-270m", help="name or folder")
    parser.add_argument("--tokens", type=int, default=512, help="positions in the batch")
    parser.add_argument("--rounds", type=int, default=3, help="at least 3 for figures to quote")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    console = Console()
    result = run(options.only, options.model, options.tokens, options.rounds, console)
    console.print(of_aims(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
