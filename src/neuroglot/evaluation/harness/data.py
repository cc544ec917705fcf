"""Where the task files' items come from: ``$NEUROGLOT_DATA/nlu/<family>/<language>_<part>.jsonl``."""

import json
import os
from pathlib import Path
from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.harness.prompts import PROMPTS

VARIABLE = "NEUROGLOT_DATA"

TESTS = ("test", "val", "dev")
"""The part that is asked: the first of these that is there."""

EXAMPLES = ("dev", "val", "train")
"""The part that solved examples are drawn from: the first that is there and not asked."""


def read(family: str, language: str, **_: Any) -> dict[str, Any]:
    """The items of a task, as the harness reads a data set: called by the task files.

    Args:
        family: Folder of the benchmark.
        language: Code of the language.

    Returns:
        ``test``, and ``examples`` (the same items where there is no other part).

    Raises:
        NeuroglotError: The environment variable is not set, or there is no such file.
    """
    from datasets import Dataset

    files = part_files(family, language)
    test = next((part for part in TESTS if part in files), None)
    if test is None:
        raise NeuroglotError(
            f"there is no {language}_test.jsonl (or _val, _dev) in ${VARIABLE}/nlu/{family}",
            f"task neuroglot_{family}_{language}",
        )
    examples = next((part for part in EXAMPLES if part in files and part != test), test)
    return {
        "test": Dataset.from_list(_items(files[test], family, language)),
        "examples": Dataset.from_list(_items(files[examples], family, language)),
    }


def part_files(family: str, language: str) -> dict[str, Path]:
    """Part → its file, of a benchmark in a language; empty if it is not there.

    Raises:
        NeuroglotError: The environment variable is not set.
    """
    home = os.environ.get(VARIABLE)
    if not home:
        raise NeuroglotError(
            f"its items lie in ${VARIABLE}/nlu/{family}, and {VARIABLE} is not set; see docs/benchmarks.md",
            f"task neuroglot_{family}_{language}",
        )
    folder = Path(home) / "nlu" / family
    return {
        path.stem.removeprefix(f"{language}_"): path for path in sorted(folder.glob(f"{language}_*.jsonl"))
    }


def _items(path: Path, family: str, language: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    # Not splitlines: a question may hold other characters that it takes for line breaks.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            items += PROMPTS[family](json.loads(line), language)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NeuroglotError(
                f"not a line of {family}: {error!r}", f"{path.name}, line {number}"
            ) from error
    return items
