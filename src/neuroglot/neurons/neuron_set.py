"""A neuron set: the chosen coordinates of a site, with where they come from.

On disk it is one small JSON document:

    {"format": "neuroglot/neurons", "version": 1, "site": "mlp", "shape": [18, 2048], "language": "vi",
     "neurons": {"0": [17, 33], "5": [2]}, "provenance": {"model": {…}, "recipe": {…}, "corpus": {…}, …}}
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, UInt8

from neuroglot.errors import NeuroglotError
from neuroglot.files import write_text
from neuroglot.neurons import hub

FORMAT = "neuroglot/neurons"
VERSION = 1

_FIELDS = {"site": str, "shape": list, "language": str, "neurons": dict, "provenance": dict}
"""What a document must hold beside its format and version."""


@dataclass(frozen=True)
class Overlap:
    """What two sets have in common.

    Attributes:
        shared: Neurons in both.
        jaccard: Shared over all neurons of either; 0 for two empty sets.
        coefficient: Shared over the smaller set's size; 0 if that is empty.
    """

    shared: int
    jaccard: float
    coefficient: float


@dataclass(frozen=True, eq=False)
class NeuronSet:
    """Neurons of one site of one model.

    Attributes:
        site: Where they live (METHODS §0).
        mask: Which are in the set, [layer, neuron].
        language: The language they were found for; empty for sets that belong to none.
        provenance: Model signature, recipe, corpus, budget, versions: how to make the set again.
    """

    site: str
    mask: Bool[np.ndarray, "layer neuron"]
    language: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frozen = np.array(self.mask, dtype=bool)
        if frozen.ndim != 2 or not frozen.size:
            raise NeuroglotError(f"a neuron set needs a mask [layer, neuron], not of shape {frozen.shape}")
        frozen.setflags(write=False)
        object.__setattr__(self, "mask", frozen)
        # The sets of one selection are given the same dictionary; each keeps its own.
        object.__setattr__(self, "provenance", dict(self.provenance))

    @classmethod
    def of(
        cls,
        site: str,
        shape: tuple[int, int],
        neurons: Iterable[tuple[int, int]],
        language: str = "",
        **about: Any,
    ) -> "NeuronSet":
        """A set from (layer, neuron) pairs.

        Raises:
            NeuroglotError: A pair lies outside ``shape``, or is no pair of whole numbers.
        """
        pairs = np.array(list(neurons) or np.empty((0, 2), dtype=np.int64))
        if pairs.shape[1:] != (2,) or pairs.dtype.kind not in "iu":
            raise NeuroglotError("neurons are pairs of whole numbers (layer, neuron)")
        outside = (pairs < 0).any(axis=1) | (pairs >= np.array(shape)).any(axis=1)
        if outside.any():
            layer, neuron = pairs[outside][0]
            raise NeuroglotError(
                f"neuron ({layer}, {neuron}) does not exist: the site has {shape[0]} × {shape[1]}"
            )
        mask = np.zeros(shape, dtype=bool)
        mask[pairs[:, 0], pairs[:, 1]] = True
        return cls(site, mask, language, about)

    @property
    def shape(self) -> tuple[int, int]:
        """(layers, neurons a layer) of the site."""
        return self.mask.shape

    @property
    def indices(self) -> Int[np.ndarray, "size 2"]:
        """The (layer, neuron) pairs, sorted."""
        return np.argwhere(self.mask)

    def __len__(self) -> int:
        return self._size

    @cached_property
    def _size(self) -> int:
        return int(np.count_nonzero(self.mask))

    @cached_property
    def _bits(self) -> UInt8[np.ndarray, " byte"]:
        """The mask, eight neurons a byte: what overlaps of all pairs of languages are counted on."""
        return np.packbits(self.mask)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NeuronSet):
            return NotImplemented
        same = self.site == other.site and self.language == other.language
        return same and np.array_equal(self.mask, other.mask)

    def __hash__(self) -> int:
        return hash((self.site, self.language, self.mask.tobytes()))

    def overlap(self, other: "NeuronSet") -> Overlap:
        """How much two sets of the same site share."""
        self._alike(other)
        shared = int(np.bitwise_count(self._bits & other._bits).sum())
        union = len(self) + len(other) - shared
        smaller = min(len(self), len(other))
        return Overlap(shared, shared / union if union else 0.0, shared / smaller if smaller else 0.0)

    def union(self, other: "NeuronSet") -> "NeuronSet":
        """The neurons of either set; belongs to no language, and remembers both provenances."""
        self._alike(other)
        about: dict[str, Any] = {"union": [self.provenance, other.provenance]}
        model = self.provenance.get("model")
        if model is not None and model == other.provenance.get("model"):
            about["model"] = model  # an intervention looks here for the model that a set was made for
        return NeuronSet(self.site, self.mask | other.mask, "", about)

    def restrict(self, layers: Iterable[int]) -> "NeuronSet":
        """Only the neurons of ``layers``; the provenance says so.

        Raises:
            NeuroglotError: A layer that the site does not have.
        """
        kept = sorted({int(layer) for layer in layers})
        wrong = [layer for layer in kept if not 0 <= layer < self.shape[0]]
        if wrong:
            raise NeuroglotError(f"layers {wrong} do not exist: the set has layers 0 to {self.shape[0] - 1}")
        mask = np.zeros(self.shape, dtype=bool)
        mask[kept] = self.mask[kept]
        return replace(self, mask=mask, provenance={**self.provenance, "restricted_to_layers": kept})

    def describe(self) -> dict[str, Any]:
        """Size, share and the count in each layer, for people and for ``--json``."""
        return {
            "site": self.site,
            "language": self.language,
            "neurons": len(self),
            "share": len(self) / self.mask.size,
            "by_layer": self.mask.sum(axis=1).tolist(),
        }

    @property
    def document(self) -> dict[str, Any]:
        """The set as JSON has it."""
        by_layer = {
            str(layer): np.flatnonzero(row).tolist() for layer, row in enumerate(self.mask) if row.any()
        }
        return {
            "format": FORMAT,
            "version": VERSION,
            "site": self.site,
            "shape": list(self.shape),
            "language": self.language,
            "neurons": by_layer,
            "provenance": dict(self.provenance),
        }

    def save(self, path: Path | str) -> None:
        """Writes the set as JSON, whole or not at all."""
        write_text(Path(path), self._json)

    @property
    def _json(self) -> str:
        return json.dumps(self.document, ensure_ascii=False, sort_keys=True)

    @classmethod
    def load(cls, path: Path | str) -> "NeuronSet":
        """Reads a set back.

        Raises:
            NeuroglotError: No such file, not a neuron set, truncated, or indices outside the shape it names.
        """
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NeuroglotError(f"there is no neuron set {str(path)!r}") from error
        except OSError as error:
            raise NeuroglotError(f"neuron set {str(path)!r} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise NeuroglotError(f"neuron set {str(path)!r} is truncated or not JSON: {error}") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise NeuroglotError(f"{str(path)!r} is not a neuron set: it does not say format {FORMAT!r}")
        if document.get("version") != VERSION:
            raise NeuroglotError(
                f"{str(path)!r} has format version {document.get('version')}; this one reads {VERSION}"
            )
        wrong = [key for key, kind in _FIELDS.items() if not isinstance(document.get(key), kind)]
        if wrong:
            raise NeuroglotError(
                f"neuron set {str(path)!r} is damaged: {', '.join(wrong)} missing or misshapen"
            )
        try:
            layers, width = document["shape"]
            pairs = [(int(layer), neuron) for layer, row in document["neurons"].items() for neuron in row]
            found = cls.of(document["site"], (layers, width), pairs, document["language"])
            return replace(found, provenance=document["provenance"])
        except (TypeError, ValueError, MemoryError) as error:
            raise NeuroglotError(f"neuron set {str(path)!r} is damaged: {error!r}") from error
        except NeuroglotError as error:
            raise NeuroglotError(str(error), str(path)) from error

    def push_to_hub(
        self, repo_id: str, filename: str = "neurons.json", *, private: bool | None = None
    ) -> str:
        """Puts the set into a repository of the hub, which is made if it is not there.

        The hub's client knows who you are (``hf auth login``, or ``HF_TOKEN``).

        Args:
            repo_id: ``owner/name``.
            filename: Of the set inside the repository: a repository holds any number.
            private: Whether a new repository is; None: as the owner has it.

        Returns:
            The address of the commit.

        Raises:
            NeuroglotError: The hub did not take it.
        """
        return hub.push(self._json.encode(), repo_id, filename, private)

    @classmethod
    def from_hub(
        cls, repo_id: str, filename: str = "neurons.json", *, revision: str | None = None
    ) -> "NeuronSet":
        """A set from a repository of the hub, or from a local folder.

        Args:
            repo_id: ``owner/name``, or a folder.
            filename: Of the set inside it.
            revision: Branch, tag or commit.

        Raises:
            NeuroglotError: The hub did not give it, or it is no neuron set.
        """
        return cls.load(hub.fetch(repo_id, filename, revision))

    def __repr__(self) -> str:
        owner = f" for {self.language!r}" if self.language else ""
        return f"NeuronSet({len(self)} of {self.mask.size} neurons at {self.site!r}{owner})"

    def _repr_html_(self) -> str:
        counts = self.mask.sum(axis=1)
        scale = 40 / max(counts.max(), 1)  # pixels a neuron
        bars = "".join(
            f"<div title='layer {layer}: {count}' style='width:8px;height:{scale * count:.0f}px;"
            "background:#3b6ea8'></div>"
            for layer, count in enumerate(counts)
        )
        return (
            f"<div><b>{escape(repr(self))}</b>"
            f"<div style='display:flex;gap:2px;align-items:flex-end;height:44px'>{bars}</div>"
            "<small>neurons a layer, first layer left</small></div>"
        )

    def _alike(self, other: "NeuronSet") -> None:
        if (self.site, self.shape) != (other.site, other.shape):
            raise NeuroglotError(
                f"sets at {self.site!r} {self.shape} and at {other.site!r} {other.shape} cannot be compared"
            )
