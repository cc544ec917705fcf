"""Scores of one backward pass, g = ∂s/∂a (METHODS §2).

a·g is the first-order effect of silencing, s(a) − s(0); g·sgn(a) is NeurGrad (Zhao et al. 2024), the slope
of s as the activation moves along its own sign; the squares are the diagonal of the empirical Fisher matrix.
"""

from neuroglot.attribution.scores import Activation, token_score


@token_score("grad", gradient=True, power=1)
def grad(a: Activation, g: Activation) -> Activation:
    """|g|."""
    return g.abs()


@token_score("grad_act", gradient=True, power=1)
def grad_act(a: Activation, g: Activation) -> Activation:
    """a·g, signed: what silencing the neuron takes from s, to first order."""
    return a * g


@token_score("grad_act_abs", gradient=True, power=1)
def grad_act_abs(a: Activation, g: Activation) -> Activation:
    """|a·g|."""
    return (a * g).abs_()


@token_score("fisher", gradient=True, power=2)
def fisher(a: Activation, g: Activation) -> Activation:
    """g²."""
    return g.square()


@token_score("fisher_act", gradient=True, power=2)
def fisher_act(a: Activation, g: Activation) -> Activation:
    """(a·g)²."""
    return (a * g).square_()


@token_score("neurgrad", gradient=True, power=1)
def neurgrad(a: Activation, g: Activation) -> Activation:
    """g·sgn(a), with sgn(0) = 0."""
    return g * a.sign()
