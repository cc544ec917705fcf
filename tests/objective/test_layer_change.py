"""It has a closed form and no gradient: whoever asks for one is told."""

import pytest

from neuroglot.attribution.scores import SCORES
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.layer_change import CLOSED_FORM


def test_there_is_no_value(roomy, corpus):
    objective = OBJECTIVES["layer_change"]
    batch = Batch.of(objective.task(roomy, corpus, "sentence").samples[:2])
    with pytest.raises(NeuroglotError, match="'layer_change' has a closed form: take the score 'parallel'"):
        objective(roomy.body(batch.ids), batch, roomy.head)


def test_the_score_that_it_names_exists():
    assert not SCORES[CLOSED_FORM].gradient
