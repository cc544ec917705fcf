"""Sets found again on halves, redrawn documents and other text."""

import logging
from unittest.mock import PropertyMock, patch

import numpy as np
import pytest

import neuroglot as ng
from neuroglot.errors import NeuroglotError
from neuroglot.study.config import load_study
from neuroglot.study.controls import Controlling
from neuroglot.study.recipe import load_recipe, recipe_names
from neuroglot.study.redrawn import draws, of_documents
from tiny_study import WORDS, write_corpus, write_study


def test_halves_redraws_and_another_corpus(controlling, tmp_path):
    turned = {language: of[4:] + of[:4] for language, of in WORDS.items()}
    other = {"source": str(write_corpus(tmp_path / "other", turned)), "languages": list(WORDS)}
    other |= {"identify": 3, "report": 3}
    checking = controlling({"name": "stability", "options": {"redrawn": 2, "other": other}})
    frame = checking.frames()["stability"]
    counts = frame.groupby(["recipe", "kind"]).size()
    assert set(frame["recipe"]) == {"grad_act", "lape_budget"}
    assert counts["grad_act"].to_dict() == {"split_half": 3, "bootstrap": 6, "other_corpus": 3}

    run = checking.run
    mixed, *redrawn = draws(run.bank, run.study.seed, 2)
    first, second = (
        ng.select(of_documents(run.bank, half), "grad_act", 0.05) for half in (mixed[::2], mixed[1::2])
    )
    ours = frame[(frame["recipe"] == "grad_act")]
    _same(ours[ours["kind"] == "split_half"], first, second)
    own = run.sets["grad_act"]
    again = ng.select(of_documents(run.bank, redrawn[1]), "grad_act", 0.05)
    _same(ours[ours["kind"] == "bootstrap"].iloc[3:], own, again)
    there = run.study.checks[0].options["other"]
    corpus = ng.Corpus.from_files(there["source"], there["languages"]).split(
        run.study.seed, identify=3, report=3
    )
    bank = ng.score(run.model, corpus["identify"], ["grad_act"])
    _same(ours[ours["kind"] == "other_corpus"], own, ng.select(bank, "grad_act", 0.05))
    # 7 of 144 neurons: random sets share about 7 · 7 / 144 of them.
    np.testing.assert_allclose(ours["chance"], 0.0256, atol=0.0015)


def _same(rows, one, two):
    for _, row in rows.iterrows():
        a, b = (sets[row["language"]].mask for sets in (one, two))
        assert row["jaccard"] == pytest.approx((a & b).sum() / (a | b).sum())
    assert len(rows) == 3


def test_a_search_is_left_out_and_said(controlling, caplog):
    gates = next(recipe for name in recipe_names() if (recipe := load_recipe(name)).searched)
    checking = controlling({"name": "stability", "options": {"redrawn": 0}})
    recipes = [load_recipe("grad_act"), gates]
    with (
        patch.object(Controlling, "recipes", PropertyMock(return_value=recipes)),
        caplog.at_level(logging.WARNING),
    ):
        frame = checking.frames()["stability"]
    assert set(frame["recipe"]) == {"grad_act"}
    assert f"stability of {gates.name}: left out" in caplog.text
    assert np.isfinite(frame["jaccard"]).all()


def test_another_corpus_of_other_languages(home, tmp_path):
    other = {"source": str(home / "text"), "languages": ["en", "fr"]}
    checks = [{"name": "stability", "options": {"other": other}}]
    with pytest.raises(
        NeuroglotError, match="the languages of `other` are en, fr; the study's are en, fr, vi"
    ):
        load_study(write_study(tmp_path / "study.yaml", home, checks=checks))
