"""Does a judge agree with itself? The same answers, marked twice."""

from collections.abc import Sequence

import numpy as np

from neuroglot.evaluation.judge.rubric import HIGHEST, LOWEST


def agreement(first: Sequence[float], second: Sequence[float]) -> dict[str, float]:
    """How far two rounds of marks agree.

    Args:
        first: Whole scores of the answers, 1 to 10; NaN where there is none.
        second: Of the same answers, marked again.

    Returns:
        ``pairs`` readable twice; of those the share that is ``exact``, the share ``within_one``, Spearman's
        ``spearman``, and Cohen's ``kappa`` with quadratic weights. NaN where it is not defined: without
        pairs; without two different scores in both rounds for Spearman, in either for κ.
    """
    from scipy.stats import spearmanr
    from sklearn.metrics import cohen_kappa_score

    both = np.array([first, second], dtype=np.float64)
    one, two = both[:, np.isfinite(both).all(axis=0)]
    found = {"pairs": len(one), "exact": np.nan, "within_one": np.nan, "spearman": np.nan, "kappa": np.nan}
    if not len(one):
        return found
    apart = np.abs(one - two)
    found |= {"exact": float((apart == 0).mean()), "within_one": float((apart <= 1).mean())}
    if np.ptp(one) and np.ptp(two):
        found["spearman"] = float(spearmanr(one, two).statistic)
    if np.ptp([one, two]):
        scores = range(LOWEST, HIGHEST + 1)
        kappa = cohen_kappa_score(one.astype(int), two.astype(int), labels=list(scores), weights="quadratic")
        found["kappa"] = float(kappa)
    return found
