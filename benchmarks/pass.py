"""The pass against its floor, captum and plain full-logits autograd; one run, on the processor.

    python benchmarks/pass.py --json benchmarks/pass.json

takes some minutes with gemma3-270m (extras ``demo`` and ``dev``; Linux). The floor is what no method can do
without: the body there and back (activations only, down to the neurons of layer 0) and two products of the
head, each measured alone and added up. `benchmarks/NOTES.md` has the outcome and what did not work.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

import measure
from workloads import WORKLOADS, Bench, GradAct, all_quantities, captum_layers, full_logits

FLOOR = ("body there and back", "head product", "head product back")
FORWARD, ONE, ALL = "pass, forward scores", "pass, one score", "pass, all scores"
AUTOGRAD, CAPTUM = "full-logits autograd", "captum, all layers"


def run(model: str, tokens: int, runs: int, console: Console) -> dict[str, Any]:
    """Everything measured, as JSON would have it."""
    with console.status("starting …") as status:
        peaks = {}
        for name in WORKLOADS:
            status.update(f"memory: {name}")
            peaks[name] = measure.memory(name, model, tokens)
        status.update("loading")
        bench = Bench.of(model, tokens)
        before = measure.machine()
        workloads = {name: prepare(bench) for name, prepare in WORKLOADS.items()}
        scores: dict[str, GradAct] = {}
        for name, workload in workloads.items():
            status.update(f"warming up, keeping the numbers: {name}")
            if (found := workload()) is not None:
                scores[name] = found
        seconds = measure.seconds(workloads, runs, status.update)
        status.update("the truth: full-logits autograd in float64")
        bench.model.network.double()
        truth = full_logits(bench)
    few = captum_layers(bench.model.layers)
    seconds[CAPTUM] = [value * bench.model.layers / len(few) for value in seconds[CAPTUM]]
    seconds["floor"] = [sum(parts) for parts in zip(*(seconds[part] for part in FLOOR), strict=True)]
    differences = {
        "pass and captum": difference(scores[ALL][list(few)], scores[CAPTUM]),
        "pass and full-logits autograd": difference(scores[ALL], scores[AUTOGRAD]),
        "pass and float64": difference(scores[ALL], truth),
        "full-logits autograd and float64": difference(scores[AUTOGRAD], truth),
    }
    return {
        "machine": {**before, "load_after": measure.machine()["load"]},
        "model": model,
        "batch": {
            "positions": bench.batch.ids.numel(),
            "rows": len(bench.batch.samples),
            "predicted": int(bench.batch.predicting.sum()),
        },
        "quantities": len(all_quantities()),
        "captum": {"measured_layers": few, "scaled_to": bench.model.layers},
        "seconds": seconds,
        "memory": {name: asdict(peak) for name, peak in peaks.items()},
        "differences": differences,
        "aims": aims(seconds, peaks, differences),
    }


def difference(ours: GradAct, theirs: GradAct) -> float:
    """The largest difference of a score over the largest score of its layer; of the worst layer."""
    return float(((ours - theirs).abs().amax(dim=(1, 2)) / theirs.abs().amax(dim=(1, 2))).max())


def ratio(seconds: Mapping[str, list[float]], name: str, to: str) -> float:
    """The median of the rounds' own ratios: what slowed a whole round cancels."""
    return median(one / other for one, other in zip(seconds[name], seconds[to], strict=True))


def aims(
    seconds: Mapping[str, list[float]],
    peaks: Mapping[str, measure.Memory],
    differences: Mapping[str, float],
) -> list[dict[str, Any]]:
    """What was aimed at, what was found, and whether that meets it."""
    slower, faster = ratio(seconds, ALL, "floor"), ratio(seconds, CAPTUM, ALL)
    apart = max(value for pair, value in differences.items() if pair.startswith("pass"))
    share = peaks[ALL].peak / peaks[AUTOGRAD].peak
    return [
        {"aim": "all scores ≤ 1.25 × floor", "found": slower, "met": slower <= 1.25},
        {"aim": "≥ 10 × faster than captum, all layers", "found": faster, "met": faster >= 10},
        {"aim": "same numbers, to 1e-4 of the layer's largest", "found": apart, "met": apart <= 1e-4},
        {"aim": "≤ 0.6 × peak memory of full-logits autograd", "found": share, "met": share <= 0.6},
    ]


def tables(result: Mapping[str, Any]) -> tuple[Table, Table]:
    """The figures and the aims, to look at."""
    batch, here, few = result["batch"], result["machine"], result["captum"]["measured_layers"]
    figures = Table(
        box=box.SIMPLE_HEAD,
        title=f"{batch['positions']} positions in {batch['rows']} rows, {batch['predicted']} predicted; "
        f"{result['quantities']} quantities",
        caption=f"{here['cpu']}, {here['threads']} threads, torch {here['torch']}, "
        f"load {here['load']:.1f} before and {here['load_after']:.1f} after. "
        f"Captum: layers {list(few)} measured, scaled to {result['captum']['scaled_to']}.",
    )
    for column in ("", "seconds", "least  most", "× floor", "peak GB", "− model"):
        figures.add_column(column, justify="right" if column else "left")
    for name in (*WORKLOADS, "floor"):
        taken, peak = result["seconds"][name], result["memory"].get(name)
        figures.add_row(
            name,
            f"{median(taken):.2f}",
            f"{min(taken):.2f}  {max(taken):.2f}",
            f"{ratio(result['seconds'], name, 'floor'):.2f}",
            f"{peak['peak'] / 1e9:.2f}" if peak else "",
            f"{(peak['peak'] - peak['loaded']) / 1e9:.2f}" if peak else "",
            style="bold" if name == "floor" else None,
            end_section=name in (FLOOR[-1], ALL, CAPTUM),
        )
    forward = ratio(result["seconds"], FORWARD, "body forward")
    apart = "; ".join(f"{pair} {value:.1e}" for pair, value in result["differences"].items())
    goals = Table(
        "aim",
        "found",
        "met",
        box=box.SIMPLE_HEAD,
        caption=f"Forward scores: {forward:.2f} × body forward. Apart: {apart}.",
    )
    for aim in result["aims"]:
        goals.add_row(aim["aim"], f"{aim['found']:.3g}", "yes" if aim["met"] else "no")
    return figures, goals


def main() -> None:
    """Reads the command line, measures, prints, writes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="gemma3-270m", help="name or folder")
    parser.add_argument("--tokens", type=int, default=512, help="positions in the batch")
    parser.add_argument("--runs", type=int, default=5, help="rounds; odd, at least 3 for figures to quote")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    console = Console()
    result = run(options.model, options.tokens, options.runs, console)
    for table in tables(result):
        console.print(table)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
