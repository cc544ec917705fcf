"""Repetition by hand, and chrF from its formula."""

from collections import Counter

import pytest

from neuroglot.evaluation.answers.measures import chrf, repetition


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0.0),
        ("one two three", 0.0),
        ("one two three four five", 0.0),
        ("a b c d a b c d", 1 / 5),  # abcd bcda cdab dabc abcd
        ("yes yes yes yes yes yes", 2 / 3),  # three times the same
        ("下雨了。下雨了。", 1 / 5),  # the same in characters
        ("今日は 雨です\n今日は 雨です", 3 / 9),  # 12 characters, 9 grams, the last three again
        ("!!!!!!!!!!!!!!!!!!!!!!!!", 20 / 21),  # 24 marks, no letter
        ("hahahahahahahahahahahaha", 19 / 21),  # 24 letters, no space: haha and ahah
    ],
)
def test_repetition(text, share):
    assert repetition(text) == pytest.approx(share)


def by_definition(answer, reference, order=6, beta=2.0):
    """Popović 2015 as sacrebleu counts: spaces apart, F of the mean precision and recall, orders in use."""
    one, other = answer.replace(" ", ""), reference.replace(" ", "")
    precisions, recalls = [], []
    for n in range(1, order + 1):
        left = Counter(one[i : i + n] for i in range(len(one) - n + 1))
        right = Counter(other[i : i + n] for i in range(len(other) - n + 1))
        if left and right:
            both = sum((left & right).values())
            precisions.append(both / sum(left.values()))
            recalls.append(both / sum(right.values()))
    p, r = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    return 100 * (1 + beta**2) * p * r / (beta**2 * p + r) if p + r else 0.0


@pytest.mark.parametrize(
    ("answer", "reference"),
    [("the old river", "the cold rivers run"), ("mưa rơi trên sông", "mưa trên sông"), ("xyz", "abcdef")],
)
def test_chrf(answer, reference):
    assert chrf(answer, reference) == pytest.approx(by_definition(answer, reference), abs=1e-9)


def test_chrf_at_its_ends():
    assert chrf("the same", "the same") == 100
    assert chrf("", "") == 100
    assert chrf("", "something") == 0
    assert chrf("something", "") == 0
