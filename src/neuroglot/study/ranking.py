"""How neurons are ranked: what a pass must keep, and how it becomes a specificity [language, layer, neuron].

quantity → statistic over samples → scale in the language → scale in the layer → contrast
"""

from typing import Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field, field_validator, model_validator

from neuroglot.attribution.scores import SCORES
from neuroglot.errors import NeuroglotError
from neuroglot.model.families import FAMILIES
from neuroglot.model.language_model import LanguageModel
from neuroglot.objective import OBJECTIVES, Objective
from neuroglot.objective.layer_change import CLOSED_FORM
from neuroglot.specificity.contrasts import CONTRASTS, SAMPLE_CONTRASTS, check_contrast_options
from neuroglot.specificity.scales import LANGUAGE_SCALES, LAYER_SCALES
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.language import STATISTICS, check_options
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.reductions import REDUCTIONS
from neuroglot.study.named import Named, Strict
from neuroglot.study.validation import known_name


def known_objective(value: Named) -> Named:
    """A pydantic validator that refuses objectives that do not exist, and options that they cannot take."""
    known_name("objective", OBJECTIVES)(value.name)
    _said(lambda: OBJECTIVES[value.name].configured(value.options))
    return value


class Scale(Strict):
    """How a statistic is made comparable before languages are contrasted."""

    language: str = "none"
    layer: str = "none"

    _language = field_validator("language")(known_name("language scale", LANGUAGE_SCALES))
    _layer = field_validator("layer")(known_name("layer scale", LAYER_SCALES))


class Ranking(Strict):
    """A ranking of neurons for each language.

    Attributes:
        site: Where the neurons are.
        objective: The scalar s.
        score: The score for it.
        tokens: Token reduction.
        samples: Sample statistic.
        per: What a sample's score is divided by.
        minus: Another objective; the same statistic for it is subtracted.
        sentences: At most so many sentences a language are read; default: all.
        scale: Scales inside the language and inside the layer.
        contrast: Contrast over languages.
    """

    site: str = "mlp"
    objective: Named = Named(name="logprob")
    score: Named
    tokens: str = "max"
    samples: Named = Named(name="mean")
    per: Literal["tokens", "characters", "bytes"] = "tokens"
    minus: Named | None = None
    sentences: int | None = Field(None, ge=1)
    scale: Scale = Scale()
    contrast: Named = Named(name="zscore")

    _site = field_validator("site")(
        known_name("site", {site for family in FAMILIES.values() for site in family.taps})
    )
    _tokens = field_validator("tokens")(known_name("token reduction", REDUCTIONS))

    @field_validator("objective", "minus")
    @classmethod
    def _known_objective(cls, value: Named | None) -> Named | None:
        return None if value is None else known_objective(value)

    @field_validator("score")
    @classmethod
    def _known_score(cls, value: Named) -> Named:
        known_name("score", SCORES)(value.name)
        _said(lambda: SCORES[value.name].configured(value.options, value.name))
        return value

    @field_validator("samples")
    @classmethod
    def _known_statistic(cls, value: Named) -> Named:
        known_name("sample statistic", STATISTICS)(value.name)
        _said(lambda: check_options(value.name, value.options))
        return value

    @field_validator("contrast")
    @classmethod
    def _known_contrast(cls, value: Named) -> Named:
        known_name("contrast", {*CONTRASTS, *SAMPLE_CONTRASTS})(value.name)
        _said(lambda: check_contrast_options(value.name, value.options))
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "Ranking":
        score = SCORES[self.score.name]
        if self.samples.name == "rate" and (self.tokens != "sum" or self.quantity.power):
            raise ValueError(
                "the statistic 'rate' is Σ scores / Σ tokens: it needs tokens: sum and a forward score"
            )
        if (self.objective.name == "layer_change") != (self.score.name == CLOSED_FORM):
            raise ValueError(f"objective 'layer_change' and score {CLOSED_FORM!r} go together")
        if self.minus:
            self._check_other(self.minus, "minus")
        if self.contrast.name in SAMPLE_CONTRASTS:
            if self.minus or self.scale != Scale():
                raise ValueError(
                    f"contrast {self.contrast.name!r} reads every sample: there is no scale and no minus"
                )
            if self.samples != Named(name="mean"):
                raise ValueError(
                    f"contrast {self.contrast.name!r} reads every sample, not their {self.samples.name!r}"
                )
        if score.whole and self.tokens != "sum":
            raise ValueError(f"score {self.score.name!r} is of the whole sample: it needs tokens: sum")
        return self

    def _check_other(self, objective: Named, key: str) -> None:
        """The same score is to be taken for another objective: that must be possible, and say something."""
        if not SCORES[self.score.name].gradient:
            raise ValueError(f"{key}: score {self.score.name!r} does not depend on the objective")
        if objective.name == "layer_change":
            raise ValueError(f"{key}: objective 'layer_change' has no gradient")

    def check_model(self, model: LanguageModel, layers: int) -> None:
        """Refuses what cannot be ranked in a model, before any pass.

        Args:
            model: The model.
            layers: How many of its layers are scored.

        Raises:
            NeuroglotError: It lacks the site, has too few neurons, or the score is not defined there.
        """
        model.site(self.site)
        score = SCORES[self.score.name]
        if score.check:
            score.check(model, self.site, score.configured(self.score.options, self.score.name))

    @property
    def quantity(self) -> Quantity:
        """What the pass must keep for it."""
        return self._quantity(self.objective)

    @property
    def tasks(self) -> dict[Quantity, Named]:
        """Every quantity that a pass must keep, with the objective that it is scored for."""
        needed = {self.quantity: self.objective}
        if self.minus:
            needed[self._quantity(self.minus)] = self.minus
        return needed

    def statistic(self, bank: ScoreBank) -> xr.DataArray:
        """S [language, layer, neuron], before scaling."""
        found = bank.statistic(self.quantity, self.samples.name, self.per, self.samples.options)
        if self.minus:
            found = found - self.statistic_for(self.minus, bank)
        return found

    def statistic_for(self, objective: Named, bank: ScoreBank) -> xr.DataArray:
        """The same statistic of the same score for another objective."""
        quantity = self._quantity(objective)
        return bank.statistic(quantity, self.samples.name, self.per, self.samples.options)

    def scaled(self, statistic: xr.DataArray) -> xr.DataArray:
        """S on the scales that the contrast compares."""
        inside = LANGUAGE_SCALES[self.scale.language](statistic.values)
        return statistic.copy(data=LAYER_SCALES[self.scale.layer](inside))

    def specificity(self, statistic: xr.DataArray, bank: ScoreBank | None = None) -> xr.DataArray:
        """The contrast of the scaled statistic, or of the samples in a bank."""
        languages = [str(name) for name in statistic["language"].values]
        name, options = self.contrast.name, self.contrast.options
        if name in CONTRASTS:
            values = CONTRASTS[name](self.scaled(statistic).values, languages, **options)
        elif bank is None:
            raise NeuroglotError(f"contrast {name!r} reads every sample: it needs the score bank")
        else:
            samples = [bank.samples(self.quantity, language, self.per)[0] for language in languages]
            values = SAMPLE_CONTRASTS[name](samples, languages, **options)
        return statistic.copy(data=np.asarray(values))

    def ranked(self, bank: ScoreBank) -> xr.DataArray:
        """The specificity, out of a bank."""
        return self.specificity(self.statistic(bank), bank)

    def _quantity(self, objective: Named) -> Quantity:
        score = SCORES[self.score.name]
        power = score.length(score.configured(self.score.options, self.score.name))
        return Quantity(
            self.site,
            self.score.name,
            self.tokens,
            power if score.gradient and OBJECTIVES[objective.name].sums else 0,
            objective.key if score.gradient else "",
            self.score.as_json,
            self.sentences or 0,
        )


def objective_of(named: Named) -> Objective:
    """The objective under its options."""
    return OBJECTIVES[named.name].configured(named.options)


def _said(check: Any) -> None:
    """Pydantic wants mistakes as ValueErrors."""
    try:
        check()
    except NeuroglotError as error:
        raise ValueError(str(error)) from error
