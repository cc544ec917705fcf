from dataclasses import replace

import pytest

from neuroglot.errors import NeuroglotError


def test_a_missing_column_is_named(findings):
    with pytest.raises(NeuroglotError, match=r"findings\.drops: lacks the column perplexity"):
        replace(findings, drops=findings.drops.drop(columns="perplexity"))


def test_an_unknown_kind_gets_the_nearest_one(findings):
    langspec = findings.langspec.assign(kind=findings.langspec["kind"].replace("matched", "matchd"))
    with pytest.raises(NeuroglotError, match="did you mean 'matched'"):
        replace(findings, langspec=langspec)


def test_languages_keep_the_order_of_the_study(findings):
    assert findings.languages == ["en", "zh", "vi", "fr"]
