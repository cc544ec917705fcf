from io import StringIO

import numpy as np
import pandas as pd

from neuroglot.report.theme import LANGUAGE_COLOURS, data, language_colour


def test_data_survives_the_journey_as_csv():
    frame = pd.DataFrame({"language": ['a"b', "c,d\ne"], "score": [1 / 3, np.inf]})
    sent = data(frame).to_dict()
    assert sent["format"] == {"type": "csv", "parse": {"language": "string", "score": "number"}}
    back = pd.read_csv(StringIO(sent["values"]))
    assert back["language"].tolist() == ['a"b', "c,d\ne"]
    assert back["score"][0] == 0.3333
    assert np.isnan(back["score"][1])


def test_twelve_languages_have_twelve_colours_and_more_begin_again():
    assert len(set(LANGUAGE_COLOURS)) == 12
    scale = language_colour([f"l{i}" for i in range(13)]).to_dict()["scale"]
    assert scale["range"][12] == scale["range"][0]
