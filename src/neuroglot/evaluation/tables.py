"""From log-probabilities to tables: drops, LangSpec-F1 with intervals and collateral, ρ, differences.

All intervals come from one paired bootstrap over documents: every mask is scored on the same resamples, and a
mean over languages is taken inside each resample before its interval is read.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from neuroglot.evaluation.ablation import BASE, Ablation, Mask
from neuroglot.evaluation.bootstrap import interval, rates, resample_weights, rho, scores
from neuroglot.evaluation.langspec import DROPS, drops
from neuroglot.evaluation.paired import Paired, Resampled


@dataclass(frozen=True)
class Tables:
    """The results of an ablation, tidy.

    Attributes:
        base: A row a language: the untouched model's likelihood per token, character and byte, its share of
            tokens predicted right, and the sizes.
        drops: A row a mask and language: what the language lost, and the tokens still predicted right.
        langspec: A row a mask and target: LangSpec-F1 (relative and absolute) with intervals, collateral, ρ.
        means: A row a kind, recipe and baseline: the same over its languages and seeds.
        differences: A row a pair of recipes, baseline and drop: the difference of their mean F1.
    """

    base: pd.DataFrame
    drops: pd.DataFrame
    langspec: pd.DataFrame
    means: pd.DataFrame
    differences: pd.DataFrame


def tabulate(ablation: Ablation, *, unit: str = "tokens", resamples: int = 1000, seed: int = 0) -> Tables:
    """Scores every mask.

    Args:
        ablation: What was measured.
        unit: What S is per: ``tokens``, ``characters`` or ``bytes``.
        resamples: Of the bootstrap over documents.
        seed: Of the bootstrap.
    """
    return _Tabulation(ablation, unit, resamples, seed).tables()


class _Tabulation:
    """One ablation's arrays, computed once and read by each table."""

    def __init__(self, ablation: Ablation, unit: str, resamples: int, seed: int) -> None:
        self.ablation = ablation
        self.languages = ablation.languages
        log_prob, units, documents = ablation.by_document(unit)
        whole = np.ones((1, units.shape[1]))
        self.point = scores(log_prob, units, whole)[0]  # [mask, language]
        self.drawn = scores(log_prob, units, resample_weights(documents, resamples, seed))
        self.base = ablation.base
        self.paired = Paired(ablation.masks, self.languages, self.base, self.point, self.drawn)
        self.accuracy = None  # [mask, language]
        if "correct" in ablation.data:
            right, trials, _ = ablation.by_document("trials", "correct")
            self.accuracy = rates(right, trials, np.ones((1, trials.shape[1])))[0]

    def tables(self) -> Tables:
        rows = [self._row(index, mask, target) for index, mask, target in self.paired.aims()]
        langspec_rows = pd.DataFrame(rows, columns=[*rows[0]] if rows else ["mask"])
        return Tables(self._base(), self._drops(), langspec_rows, self._means(), self._differences())

    def _lost(self, index: int, target: int) -> Resampled:
        """Nats a unit that the target loses, on every resample."""
        lost: Resampled = np.log(self.drawn[:, self.base, target]) - np.log(self.drawn[:, index, target])
        return lost

    def _row(self, index: int, mask: Mask, target: int) -> dict[str, object]:
        row: dict[str, object] = {
            "mask": mask.name,
            "recipe": mask.recipe,
            "baseline": mask.baseline,
            "kind": mask.kind,
            "language": self.languages[target],
        }
        for drop in ("relative", "absolute"):
            value, drawn = self.paired.f1(index, target, drop)
            low, high = interval(drawn)
            row |= {f"f1_{drop}": value, f"f1_{drop}_low": float(low), f"f1_{drop}_high": float(high)}
        mean, largest = self.paired.collateral(index, target, "relative")
        row |= {"collateral_mean": mean, "collateral_max": largest}
        return row | self._rho(index, mask, target) | {"size": mask.size}

    def _rho(self, index: int, mask: Mask, target: int) -> dict[str, float]:
        controls = [
            number
            for number, other in enumerate(self.ablation.masks)
            if mask.kind == "recipe"
            and other.kind == "matched"
            and (other.recipe, other.baseline, other.target) == (mask.recipe, mask.baseline, mask.target)
        ]
        if not controls or not mask.size:  # over nothing, or over controls of nothing
            return {"rho": np.nan, "rho_low": np.nan, "rho_high": np.nan}
        found = rho(self._lost(index, target), np.stack([self._lost(c, target) for c in controls], axis=1))
        return {"rho": found.value, "rho_low": found.low, "rho_high": found.high}

    def _groups(self) -> dict[tuple[str, str, str], list[tuple[int, int]]]:
        """(kind, recipe, baseline) → the masks of the group with what each is judged for."""
        groups: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
        for index, mask, target in self.paired.aims():
            groups.setdefault((mask.kind, mask.recipe, mask.baseline), []).append((index, target))
        return groups

    def _mean_f1(self, members: Sequence[tuple[int, int]], drop: str) -> tuple[float, Resampled]:
        points, drawn = zip(*(self.paired.f1(index, target, drop) for index, target in members), strict=True)
        return float(np.mean(points)), np.mean(drawn, axis=0)

    def _means(self) -> pd.DataFrame:
        rows = []
        for (kind, recipe, baseline), members in self._groups().items():
            row: dict[str, object] = {"kind": kind, "recipe": recipe, "baseline": baseline}
            for drop in ("relative", "absolute"):
                value, drawn = self._mean_f1(members, drop)
                low, high = interval(drawn)
                row |= {f"f1_{drop}": value, f"f1_{drop}_low": float(low), f"f1_{drop}_high": float(high)}
            lost = [
                drops(self.point[self.base], self.point[index], drop="relative")[[target]].tolist()
                + np.delete(drops(self.point[self.base], self.point[index], drop="relative"), target).tolist()
                for index, target in members
            ]
            own, others = np.array(lost)[:, 0].mean(), np.array(lost)[:, 1:]
            # Ratio of means: one language that hardly moved cannot carry it away.
            row |= {
                "collateral_mean": float(others.mean() / own) if own > 0 else np.nan,
                "collateral_max": float(others.max(axis=1).mean() / own) if own > 0 else np.nan,
                "size": float(np.mean([self.ablation.masks[index].size for index, _ in members])),
            }
            rows.append(row | self._mean_rho(kind, recipe, baseline, members))
        return pd.DataFrame(rows)

    def _mean_rho(
        self, kind: str, recipe: str, baseline: str, members: list[tuple[int, int]]
    ) -> dict[str, float]:
        """ρ of the whole recipe: its mean effect on the targets over that of all its matched controls."""
        controls = self._groups().get(("matched", recipe, baseline), [])
        empty = not any(self.ablation.masks[index].size for index, _ in members)
        if kind != "recipe" or not controls or empty:
            return {"rho": np.nan, "rho_low": np.nan, "rho_high": np.nan}
        own = np.mean([self._lost(index, target) for index, target in members], axis=0)
        found = rho(own, np.stack([self._lost(index, target) for index, target in controls], axis=1))
        return {"rho": found.value, "rho_low": found.low, "rho_high": found.high}

    def _differences(self) -> pd.DataFrame:
        recipes = {key: members for key, members in self._groups().items() if key[0] == "recipe"}
        rows = []
        for (one, first), (two, second) in combinations(recipes.items(), 2):
            if one[2] != two[2]:
                continue
            for drop in DROPS:
                value_a, drawn_a = self._mean_f1(first, drop)
                value_b, drawn_b = self._mean_f1(second, drop)
                low, high = interval(drawn_a - drawn_b)
                rows.append((one[1], two[1], one[2], drop, value_a - value_b, float(low), float(high)))
        return pd.DataFrame(
            rows, columns=["recipe_a", "recipe_b", "baseline", "drop", "difference", "low", "high"]
        )

    def _drops(self) -> pd.DataFrame:
        rows = []
        for index, mask in enumerate(self.ablation.masks):
            if mask.kind == BASE:
                continue
            for column, language in enumerate(self.languages):
                before, after = self.point[self.base, column], self.point[index, column]
                rows.append(
                    {
                        **{key: asdict(mask)[key] for key in ("recipe", "baseline", "kind", "target")},
                        "mask": mask.name,
                        "language": language,
                        "log_likelihood": np.log(after),
                        "perplexity": 1 / after,
                        "drop_relative": 1 - after / before,
                        "drop_absolute": before - after,
                        "delta_log_prob": np.log(after) - np.log(before),
                        **self._token_accuracy(index, column),
                    }
                )
        return pd.DataFrame(rows)

    def _token_accuracy(self, index: int, column: int) -> dict[str, float]:
        """Where it was measured: a run folder of an earlier version has none."""
        return {} if self.accuracy is None else {"token_accuracy": float(self.accuracy[index, column])}

    def _base(self) -> pd.DataFrame:
        data = self.ablation.finite
        rows = []
        for column, language in enumerate(self.languages):
            own = np.flatnonzero(data["language"].values == language)
            total = float(data["log_prob"].values[self.base, own].sum())
            counts = {unit: int(data[unit].values[own].sum()) for unit in ("tokens", "characters", "bytes")}
            rows.append(
                {
                    "language": language,
                    "log_likelihood": total / counts["tokens"],
                    "perplexity": float(np.exp(-total / counts["tokens"])),
                    "per_character": total / counts["characters"],
                    "per_byte": total / counts["bytes"],
                    **self._token_accuracy(self.base, column),
                    **counts,
                    "sentences": len(own),
                    "documents": len(set(data["document"].values[own].tolist())),
                }
            )
        return pd.DataFrame(rows)
