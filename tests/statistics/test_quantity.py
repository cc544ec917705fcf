from neuroglot.statistics.quantity import Quantity


def test_variable_names_the_objective_of_a_gradient_score():
    assert Quantity("mlp", "active", "sum").variable == "active.sum"
    assert Quantity("mlp", "grad_act", "max", 1, "gold_logit").variable == "grad_act.max.gold_logit"
