"""``python -m neuroglot.evaluation.harness``: the harness's own command line, which then knows our model."""

from neuroglot.evaluation.harness import check_harness, register

if __name__ == "__main__":
    check_harness()
    from lm_eval.__main__ import cli_evaluate

    register()
    cli_evaluate()
