import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.registry import Registry


@pytest.fixture
def registry() -> Registry[int]:
    registry: Registry[int] = Registry("number")
    registry.register("one")(1)
    return registry


def test_it_gives_what_was_registered(registry):
    assert registry["one"] == 1
    assert dict(registry) == {"one": 1}
    assert "one" in registry
    assert len(registry) == 1


def test_the_decorator_leaves_the_plug_in_as_it_is(registry):
    @registry.register("two")
    def two() -> int:
        return 2

    assert two() == 2
    assert registry["two"] is two


def test_a_duplicate_is_refused_and_changes_nothing(registry):
    with pytest.raises(NeuroglotError, match="number 'one' is already registered"):
        registry.register("one")(3)
    assert registry["one"] == 1


def test_an_unknown_name_says_which_one_was_meant(registry):
    with pytest.raises(NeuroglotError, match="unknown number 'onne'; did you mean 'one'"):
        registry["onne"]
    assert "onne" not in registry
