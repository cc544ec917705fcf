"""Empirical gradients in a folder that can be killed at any moment.

    <folder>/pieces/<checksum>.zarr.zip   one prompt at one site
    <folder>/neg.zarr.zip                 all of them, labelled, with where they come from
    <folder>/items.csv                    the prompts; of those that cannot be used, why
    <folder>/tables/<name>.csv

A piece is named by the checksum of all that it rests on, so a measurement that was cut short goes on where it
was, and one with more prompts keeps what it has.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from neuroglot.attribution.exact import Neurons, activations_at
from neuroglot.errors import NeuroglotError
from neuroglot.files import write_text, writing
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.last_position import LastPosition
from neuroglot.progress import Track, silent
from neuroglot.statistics.shard import SUFFIX, load_shard, save_shard
from neuroglot.study.digest import digest
from neuroglot.study.empirical.frames import neg_frames
from neuroglot.study.empirical.items import Item, Line, make_items, read_lines
from neuroglot.study.empirical.neurons import chosen
from neuroglot.study.empirical.piece import measure
from neuroglot.study.empirical.settings import NegSettings
from neuroglot.study.locking import locked
from neuroglot.study.steps import versions

FORMAT = 1
"""Of the pieces. It is part of their names, so that those of earlier versions are made again."""


def neg(
    model: str | Path | LanguageModel,
    prompts: str | Path | Sequence[Line],
    folder: Path | str,
    settings: NegSettings | None = None,
    track: Track = silent,
) -> dict[str, pd.DataFrame]:
    """Measures the empirical gradients of neurons, and how well they are estimated without measuring.

    Args:
        model: Anything that `LanguageModel.load` takes, or a model.
        prompts: A JSONL file, or its items: mappings with ``prompt`` and ``target``.
        folder: Where everything is kept; what is there already is not measured again.
        settings: Which neurons, which shifts.
        track: Progress bar.

    Returns:
        The tables of `neg_frames`, and ``items``, the prompts.

    Raises:
        NeuroglotError: No prompt can be used, or a site or set does not fit.
    """
    asked, folder = settings or NegSettings(), Path(folder)
    lines = read_lines(prompts) if isinstance(prompts, str | Path) else prompts
    loaded = model if isinstance(model, LanguageModel) else LanguageModel.load(model)
    items = make_items(loaded, lines)
    with writing(folder / "pieces"):
        (folder / "pieces").mkdir(parents=True, exist_ok=True)
    with locked(folder):
        measured = {site: _at_site(loaded, site, items, asked, folder, track) for site in asked.sites}
        tree = xr.DataTree.from_dict(dict(measured))
        tree.attrs.update(_provenance(loaded, items, asked))
        save_shard(tree, folder / f"neg{SUFFIX}")
        frames = neg_frames(measured, asked)
        frames["items"] = item_frame(items, next(iter(measured.values())), frames["neg"])
        for name, frame in frames.items():
            place = folder if name == "items" else folder / "tables"
            write_text(place / f"{name}.csv", frame.to_csv(index=False))
    return frames


def item_frame(items: Sequence[Item], data: xr.Dataset, pairs: pd.DataFrame) -> pd.DataFrame:
    """A row a prompt.

    Args:
        items: All of them.
        data: What was measured of those that can be used, at any site.
        pairs: The table ``neg``.

    Returns:
        Texts, tokens of the target, ``base`` (P, or what else was measured, nothing moved), ``rank`` of the
        target's first token in the prediction, ``problem``.
    """
    still = pairs.groupby("prompt")["saturated"].all()
    table = pd.DataFrame(
        {
            "prompt": [item.number for item in items],
            "text": [item.prompt for item in items],
            "target": [item.target for item in items],
            "tokens": [len(item.tokens) for item in items],
            "problem": [
                "saturated: no neuron moves it" if still.get(item.number, False) else item.problem
                for item in items
            ],
        }
    )
    known = pd.DataFrame({name: data[name].values for name in ("prompt", "base", "rank")})
    return table.merge(known, how="left", on="prompt")


def _at_site(
    model: LanguageModel, site: str, items: Sequence[Item], settings: NegSettings, folder: Path, track: Track
) -> xr.Dataset:
    """The pieces of a site, those that are not there measured."""
    neurons, fit = chosen(model, settings, site), [item for item in items if not item.problem]
    unit, units = np.ones(len(neurons)), ""
    if settings.relative:
        unit, units = _spread(model, fit, site, neurons), digest([item.ids for item in fit])
    rest = settings.model_dump(include={"reach", "step", "measure", "steps", "seed"})
    about = (FORMAT, model.fingerprint, site, neurons.tolist(), units, rest)
    points, pieces = len(neurons) * len(settings.grid), []
    with track(f"moving neurons at {site} (points)", points * len(fit)) as advance:
        for item in fit:
            path = folder / "pieces" / f"{digest(*about, item.ids, item.tokens)}{SUFFIX}"
            if path.is_file():
                advance(points)
            else:
                found = measure(model, item, site, neurons, unit, settings, advance)
                save_shard(xr.DataTree(found), path)
            # The same prompt may have been another item of another file.
            pieces.append(load_shard(path).to_dataset().load().assign_coords(prompt=[item.number]))
    return xr.concat(pieces, "prompt", data_vars="minimal", coords="minimal", compat="override")


def _spread(
    model: LanguageModel, items: Sequence[Item], site: str, neurons: Neurons
) -> Float[np.ndarray, " neuron"]:
    """The standard deviation of each neuron over the prompts' last positions."""
    if len(items) < 2:
        raise NeuroglotError("shifts relative to a neuron's spread over prompts need at least two prompts")
    seen = [activations_at(LastPosition.of(model, item.ids), neurons, site).cpu().numpy() for item in items]
    spread: Float[np.ndarray, " neuron"] = np.std(np.array(seen, dtype=np.float64), axis=0, ddof=1)
    return spread


def _provenance(model: LanguageModel, items: Sequence[Item], settings: NegSettings) -> dict[str, str]:
    return {
        "model": json.dumps(model.signature),
        "settings": json.dumps(settings.model_dump()),
        "prompts": digest([(item.prompt, item.target) for item in items]),
        "versions": json.dumps(versions()),
        "seed": str(settings.seed),
    }
