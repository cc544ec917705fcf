"""Fetches the NTREX-128 text that examples/ntrex.yaml reads, and checks it.

    export NEUROGLOT_DATA=data
    python examples/ntrex.py
    neuroglot run examples/ntrex.yaml

NTREX-128 (Federmann et al. 2022) is news text in 128 languages, CC BY-SA 4.0, from a pinned commit of its
repository. The text is checked by the corpus fingerprint: a changed word, line or document boundary is
found.
"""

import os
import sys
from pathlib import Path
from urllib.request import urlopen

from neuroglot import Corpus

SOURCE = (
    "https://raw.githubusercontent.com/MicrosoftTranslator/NTREX/8561f6a622db9edad1217683e5c83daefd8bb2bf"
)
LANGUAGES = {"en": "eng-US", "zh": "zho-CN", "vi": "vie", "fr": "fra", "ru": "rus", "ar": "arb"}
FINGERPRINT = "69c7bd8e0f0659767798f3ce0a9126d6863aac3481d5a406623b9c2ed80607f1"


def fetch(folder: Path, source: str = SOURCE) -> None:
    """Downloads what is missing into ``folder`` and checks the whole."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {
        f"{language}.txt": f"NTREX-128/newstest2019-ref.{code}.txt" for language, code in LANGUAGES.items()
    }
    for name, path in {**wanted, "DOCUMENT_IDS.tsv": "DOCUMENT_IDS.tsv"}.items():
        if not (folder / name).is_file():
            with urlopen(f"{source}/{path}") as answer:
                (folder / name).write_bytes(answer.read())
    found = Corpus.from_files(folder, list(LANGUAGES)).fingerprint
    if found != FINGERPRINT:
        sys.exit(f"the text in {folder} is not the text of the study: fingerprint {found}, not {FINGERPRINT}")
    print(f"{folder}: {len(LANGUAGES)} languages, checked")


if __name__ == "__main__":
    fetch(Path(os.environ.get("NEUROGLOT_DATA", "data")) / "parallel" / "ntrex128")
