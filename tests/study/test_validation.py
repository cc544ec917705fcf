from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from neuroglot.errors import NeuroglotError
from neuroglot.study.validation import known_name, located, validated, yaml_document


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Round(Strict):
    shape: Literal["round"]
    radius: float


class Square(Strict):
    shape: Literal["square"]
    side: float = 1.0


class Cake(Strict):
    name: str
    tins: list[Round | Square] = []
    tin: Round | Square = Field(Square(shape="square"), discriminator="shape")

    _known = field_validator("name")(known_name("cake", ["sponge", "Madeira"]))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"name": "spong"}, "f: name: unknown cake 'spong'; did you mean 'sponge'? Known: Madeira, sponge"),
        ({"nme": "sponge"}, "f: nme: unknown key 'nme'; did you mean 'name'? Known: name, tin, tins"),
        ({}, "f: name: field required"),
        (
            {"name": "sponge", "tin": {"shape": "square", "sid": 1}},
            "f: tin.square.sid: unknown key 'sid'; did you mean 'side'? Known: shape, side",
        ),
        (
            {"name": "sponge", "tin": {"shape": "round", "radius": 1, "raduis": 1}},
            "f: tin.round.raduis: unknown key 'raduis'; did you mean 'radius'? Known: radius, shape",
        ),
        ({"name": 3}, "f: name: input should be a valid string"),
    ],
)
def test_the_first_thing_that_is_wrong(document, message):
    with pytest.raises(NeuroglotError) as caught:
        validated(Cake, document, "f")
    assert str(caught.value) == message


def test_what_is_right_passes():
    assert validated(Cake, {"name": "sponge"}, "f").tin == Square(shape="square")


def test_located_says_where_and_lets_other_errors_pass():
    with pytest.raises(NeuroglotError, match=r"^f: budget: too small$"), located("f: budget"):
        raise NeuroglotError("too small")
    with pytest.raises(KeyError), located("f"):
        raise KeyError


def test_yaml_runs_nothing(tmp_path):
    (tmp_path / "evil.yaml").write_text("a: !!python/object/apply:os.system [true]\n")
    with pytest.raises(NeuroglotError, match=r"evil.yaml:1: not YAML: could not determine a constructor"):
        yaml_document(tmp_path / "evil.yaml")
