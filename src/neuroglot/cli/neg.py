"""`neuroglot neg`: how a target's probability moves as neurons are turned up and down."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from neuroglot.cli.app import app, notes, output, print_json
from neuroglot.cli.run import JSON
from neuroglot.errors import NeuroglotError

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table


class Shift(StrEnum):
    """Which way."""

    SIGN = "sign"
    PLAIN = "plain"
    BOTH = "both"


class Measure(StrEnum):
    """Of the target."""

    PROB = "prob"
    LOGPROB = "logprob"
    LOGIT = "logit"


MODEL = typer.Argument(help="A bundled model, a folder, a GGUF file or a hub id; or a YAML file of settings.")
PROMPTS = typer.Option(None, help='JSONL: {"prompt": "The capital of Japan is", "target": " Tokyo"} a line.')
NEURONS = typer.Option(None, min=1, help="How many, drawn evenly from all layers. Default: 1000.")
SET = typer.Option(None, "--set", help="A neuron set instead, at its own site.")
SITE = typer.Option(None, help="Where the neurons are; repeatable. Default: mlp.")
GRID = typer.Option(None, help="Largest shift and step, as 2:0.2 (the default).")
SHIFT = typer.Option(None, help="Along the activation's sign, plain, or both (the default).")
RELATIVE = typer.Option(None, "--relative", help="Shifts in standard deviations of the neuron over prompts.")
MEASURE = typer.Option(None, help="What of the target. Default: prob.")
OUT = typer.Option(..., "--out", help="Folder for all that is measured; an unfinished one continues.")


@app.command(epilog="Example:  neuroglot neg gemma3-270m --prompts facts.jsonl --out runs/neg")
def neg(
    model: str = MODEL,
    prompts: Path | None = PROMPTS,
    neurons: int | None = NEURONS,
    neuron_set: Path | None = SET,
    site: list[str] | None = SITE,
    grid: str | None = GRID,
    shift: Shift | None = SHIFT,
    relative: bool | None = RELATIVE,
    measure: Measure | None = MEASURE,
    out: Path = OUT,
    as_json: bool = JSON,
) -> None:
    """Measure neurons' empirical gradients, and check NeurGrad and other estimates against them."""
    from neuroglot.neurons import NeuronSet
    from neuroglot.progress import bar
    from neuroglot.study import empirical
    from neuroglot.study.validation import validated

    told: dict[str, Any] = {"neurons": neurons, "sites": site, "shift": shift, "relative": relative}
    told |= {"measure": measure, **_grid(grid)}
    if neuron_set is not None:
        told |= {"set": str(neuron_set), "sites": site or [NeuronSet.load(neuron_set).site]}
    told = {name: value for name, value in told.items() if value is not None}
    on, text = model, prompts
    if model.endswith((".yaml", ".yml")):
        file = empirical.load_settings(Path(model))
        on, text = file.model, prompts or Path(file.prompts)
        told = file.model_dump(exclude={"model", "prompts"}) | told
    if text is None:
        raise NeuroglotError("neg needs --prompts, a JSONL file with a prompt and its target a line")
    settings = validated(empirical.NegSettings, told, "neg")
    frames = empirical.neg(on, text, out, settings, bar)
    if as_json:
        names = ("items", "summary", "layers", "estimators", "estimators_by", "additive")
        print_json({"folder": str(out)} | {name: frames[name].to_dict("records") for name in names})
        return
    _print(frames)
    output.print(f"Folder: {out}", markup=False, highlight=False)


def _grid(text: str | None) -> dict[str, float]:
    if text is None:
        return {}
    reach, colon, step = text.partition(":")
    try:
        if not colon:
            raise ValueError("no step")
        return {"reach": float(reach), "step": float(step)}
    except ValueError as error:
        raise NeuroglotError(f"--grid: reach and step, as in 2:0.2, not {text!r}") from error


def _print(frames: "dict[str, pd.DataFrame]") -> None:
    """The table of estimators, a sentence or two a site and shift, and the prompts that have a problem."""
    from neuroglot.report.words import figure, interval

    for _, item in frames["items"].iterrows():
        if item.problem:
            notes.print(f"prompt {item.prompt}: {item.problem}", markup=False, highlight=False)
    for _, one in frames["summary"].iterrows():
        which = (frames["estimators"].site == one.site) & (frames["estimators"]["shift"] == one["shift"])
        output.print(_table(f"{one.site}, shift: {one['shift']}", frames["estimators"][which]))
        linear = interval(100 * one.linear, 100 * one.linear_low, 100 * one.linear_high, digits=0)
        output.print(
            f"{one.neurons} neurons, prompts: {one.prompts}; {linear} % of lines have |r| > 0.95, on average "
            f"up to {figure(one.range)}; {100 * one.positive:.0f} % go up; two prompts agree in a neuron's "
            f"sign in {figure(100 * one.agree, 0)} % of cases.\n",
            markup=False,
            highlight=False,
        )


def _table(title: str, estimators: "pd.DataFrame") -> "Table":
    from rich.table import Table

    from neuroglot.report.words import figure, interval

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    headings = (
        "estimator",
        "Pearson",
        "published",
        "Spearman",
        "seconds",
        "passes",
        "× cheaper",
        "published",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "estimator" else "right")
    for _, row in estimators.iterrows():
        table.add_row(
            row.estimator,
            interval(row.pearson, row.pearson_low, row.pearson_high),
            figure(row.published_pearson, 3),
            interval(row.spearman, row.spearman_low, row.spearman_high),
            figure(row.seconds),
            f"{row.passes:,}",
            figure(row.cheaper, 0),
            figure(row.published_cheaper, 0),
        )
    return table
