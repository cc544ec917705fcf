"""What can be had from ``import neuroglot``."""

import ast
from pathlib import Path

import pytest

import neuroglot


@pytest.mark.parametrize("name", neuroglot.__all__)
def test_every_public_name_can_be_had_and_is_documented(name):
    assert getattr(neuroglot, name).__doc__
    assert name in dir(neuroglot)


def test_the_three_lists_of_public_names_agree():
    tree = ast.parse(Path(neuroglot.__file__).read_text("utf-8"))
    (typed,) = (node for node in tree.body if isinstance(node, ast.If))
    for_readers = {alias.name: imports.module for imports in typed.body for alias in imports.names}
    assert for_readers == neuroglot._HOMES
    assert sorted(neuroglot.__all__) == sorted(neuroglot._HOMES)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = neuroglot.nonsense
    assert not hasattr(neuroglot, "nonsense")
