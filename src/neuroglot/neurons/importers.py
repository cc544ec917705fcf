"""Neuron sets that others have published, and plain lists.

Three layouts, told apart by the file's name:

- ``.pth`` (LAPE's ``….neuron.pth``): a list over languages of a list over layers of tensors of indices. The
  languages have no names there; those without neurons may be missing at the end.
- ``.json``: ``{"en": [[layer, neuron], …], "zh": […]}``.
- ``.csv``: a header ``layer,neuron`` or ``layer,neuron,language``, then a line a neuron.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.neurons.neuron_set import NeuronSet

Shape = tuple[int, int]
Pairs = list[tuple[int, int]]

_SITES = {".pth": "mlp_gate", ".json": "mlp", ".csv": "mlp"}
"""Layout → where its neurons are, when nobody says."""


def from_lape(
    path: Path | str, languages: Sequence[str], shape: Shape, site: str = "mlp_gate"
) -> dict[str, NeuronSet]:
    """The sets of a file that LAPE's code has written (Tang et al. 2024).

    Args:
        path: The file. Only tensors and lists are read of it; nothing in it is run.
        languages: In the file's order.
        shape: (layers, neurons a layer) of the model that they are of.
        site: LAPE looks at what comes out of the activation function.

    Returns:
        Language → set; an empty one for a language that is missing at the end.

    Raises:
        NeuroglotError: No such file, other content, or neurons that the model does not have.
    """
    with _reading(path):
        held = _tensors(Path(path))
        if len(held) > len(languages):
            raise NeuroglotError(f"{len(held)} languages are in it, and {len(languages)} were named")
        pairs: dict[str, Pairs] = {}
        for language, layers in zip(languages, held, strict=False):
            if not isinstance(layers, list | tuple) or len(layers) != shape[0]:
                count = f"{len(layers)} layers" if isinstance(layers, list | tuple) else "no list of layers"
                raise NeuroglotError(f"{language!r} has {count}, but the model has {shape[0]}")
            pairs[language] = [
                (layer, neuron)
                for layer, indices in enumerate(layers)
                for neuron in _indices(indices, language, layer)
            ]
        return _sets({language: pairs.get(language, []) for language in languages}, shape, site, path)


def from_list(path: Path | str, shape: Shape, site: str = "mlp") -> dict[str, NeuronSet]:
    """The sets of a plain list, ``.json`` or ``.csv``.

    Args:
        path: The file; this module says how it is laid out.
        shape: (layers, neurons a layer) of the model that they are of.
        site: Where the neurons are.

    Returns:
        Language → set; the language is empty where a CSV file has no such column.

    Raises:
        NeuroglotError: No such file, another layout, or neurons that the model does not have.
    """
    with _reading(path):
        text = Path(path).read_text(encoding="utf-8")
        pairs = _json(text) if Path(path).suffix == ".json" else _csv(text)
        return _sets(pairs, shape, site, path)


@contextmanager
def _reading(path: Path | str) -> Iterator[None]:
    """Says in which file it was."""
    try:
        yield
    except FileNotFoundError as error:
        raise NeuroglotError(f"there is no file {str(path)!r}") from error
    except UnicodeDecodeError as error:
        raise NeuroglotError(f"not UTF-8 at byte {error.start}", str(path)) from error
    except OSError as error:
        raise NeuroglotError(f"cannot be read: {error.strerror or error}", str(path)) from error
    except NeuroglotError as error:
        raise NeuroglotError(str(error), str(path)) from error


def _tensors(path: Path) -> list[Any]:
    import torch

    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # what a file holds that is none can break it in any way
        raise NeuroglotError("holds something else than lists of tensors, and is not read") from error
    if not isinstance(held, list | tuple):
        raise NeuroglotError(f"holds a {type(held).__name__}, not a list over languages")
    return list(held)


def _indices(indices: Any, language: str, layer: int) -> list[int]:
    import torch

    if isinstance(indices, torch.Tensor) and indices.ndim == 1:
        if not len(indices):
            return []  # of any type: torch makes it float
        if not indices.dtype.is_floating_point and indices.dtype != torch.bool:
            return [int(index) for index in indices.tolist()]
    raise NeuroglotError(f"{language!r}, layer {layer}: not a tensor of indices")


def _json(text: str) -> dict[str, Pairs]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NeuroglotError(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise NeuroglotError("expected languages and lists: {language: [[layer, neuron], …]}")
    for language, pairs in document.items():
        if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
            raise NeuroglotError(f"{language!r} must have a list of [layer, neuron], whole numbers")
    return {language: [(layer, neuron) for layer, neuron in pairs] for language, pairs in document.items()}


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(type(each) is int for each in pair)


def _csv(text: str) -> dict[str, Pairs]:
    rows = list(csv.reader(text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines()))
    header = [name.strip() for name in rows[0]] if rows else []
    if header not in (["layer", "neuron"], ["layer", "neuron", "language"]):
        raise NeuroglotError("the first line must be 'layer,neuron' or 'layer,neuron,language'")
    pairs: dict[str, Pairs] = {}
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        cells = [cell.strip() for cell in row]
        if len(cells) != len(header) or not all(cell.isascii() and cell.isdigit() for cell in cells[:2]):
            raise NeuroglotError(f"line {number}: {','.join(row)!r} is not {','.join(header)}")
        pairs.setdefault("".join(cells[2:]), []).append((int(cells[0]), int(cells[1])))
    return pairs


def _sets(pairs: dict[str, Pairs], shape: Shape, site: str, path: Path | str) -> dict[str, NeuronSet]:
    sets = {}
    for language, own in pairs.items():
        if "/" in language or "\\" in language or language.startswith("."):
            raise NeuroglotError(f"{language!r} is no name for a language")  # it becomes that of a file
        try:
            sets[language] = NeuronSet.of(site, shape, own, language, imported=Path(path).name)
        except NeuroglotError as error:
            raise NeuroglotError(f"{language!r}: {error}" if language else str(error)) from error
    return sets


def usual_site(path: Path | str) -> str:
    """Where the neurons of a layout are, when nobody says.

    Raises:
        NeuroglotError: The file's name is that of no layout.
    """
    suffix = Path(path).suffix
    if suffix not in _SITES:
        raise NeuroglotError(f"{str(path)!r} is none of LAPE's .pth, .json and .csv")
    return _SITES[suffix]


def import_sets(
    path: Path | str, shape: Shape, languages: Sequence[str] = (), site: str | None = None
) -> dict[str, NeuronSet]:
    """The sets of a file in any of the three layouts.

    Args:
        path: The file.
        shape: (layers, neurons a layer) of the model that they are of.
        languages: In the file's order, for a layout that does not name them; else those to be taken.
        site: Where the neurons are; default: the layout's.

    Raises:
        NeuroglotError: Another kind of file, or languages that are missing in it or were not named.
    """
    site = site or usual_site(path)
    if Path(path).suffix == ".pth":
        if not languages:
            raise NeuroglotError(f"{str(path)!r} does not name its languages: name them in its order")
        return from_lape(path, languages, shape, site)
    sets = from_list(path, shape, site)
    if list(sets) == [""]:
        if len(languages) != 1:
            raise NeuroglotError(f"{str(path)!r} names no language: name the one that it is for")
        return {languages[0]: NeuronSet(sets[""].site, sets[""].mask, languages[0], sets[""].provenance)}
    for language in languages:
        if language not in sets:
            raise unknown("language", language, sets, str(path))
    return {language: sets[language] for language in languages or sets}
