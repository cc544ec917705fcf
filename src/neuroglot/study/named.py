"""The pieces of a recipe that have options of their own: in YAML a bare name, or a name with options."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, model_serializer, model_validator


class Strict(BaseModel):
    """Frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Named(Strict):
    """A plug-in and its options.

    ``score: grad_act``, or ``score: {name: smoothgrad, options: {copies: 4}}``.
    """

    name: str
    options: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_serializer
    def _short(self) -> str | dict[str, Any]:
        return {"name": self.name, "options": self.options} if self.options else self.name

    @property
    def key(self) -> str:
        """Name and options as one word, for labels and file names."""
        return self.name + (f"({self.told})" if self.options else "")

    @property
    def told(self) -> str:
        """The options, as ``key=value``."""
        return ",".join(f"{name}={value}" for name, value in sorted(self.options.items()))

    @property
    def as_json(self) -> str:
        """The options as JSON; empty if there are none."""
        return json.dumps(self.options, sort_keys=True) if self.options else ""
