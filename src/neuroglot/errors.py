"""Errors say what is wrong, where it stands, and the nearest right spelling.

Every mistake a user can make is a `NeuroglotError`: one line, no traceback at the command line.
Anything else that escapes is our bug and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class NeuroglotError(Exception):
    """A mistake in the input or the surroundings, said in one line.

    Args:
        message: What is wrong, naming the thing.
        where: Where it stands, for example ``study.yaml: recipes[2]``.
    """

    def __init__(self, message: str, where: str | None = None) -> None:
        super().__init__(f"{where}: {message}" if where else message)


def unknown(kind: str, name: object, known: Iterable[str], where: str | None = None) -> NeuroglotError:
    """The error for a name that nobody registered, with the nearest one that somebody did.

    >>> str(unknown("recipe", "lapee", ["lape", "grad_act"]))
    "unknown recipe 'lapee'; did you mean 'lape'? Known: grad_act, lape"
    """
    names = sorted(known)
    near = get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return NeuroglotError(f"unknown {kind} {name!r}{hint} Known: {', '.join(names)}", where)
