"""Budgets as shares: recipes at equal budgets stand on one axis, whether a study counts or says percent."""

from neuroglot.study.run import Run


def scored_neurons(run: Run) -> int:
    """What a budget is a share of: the MLP neurons of the layers that are scored."""
    model = run.model
    return model.site("mlp").width * len(set(run.study.layers or range(model.layers)))


def share(size: int | float, run: Run) -> float:
    """A budget, which may be a count, as a share."""
    return size / scored_neurons(run) if isinstance(size, int) else size
