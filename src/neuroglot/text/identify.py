"""Which language is a text in? py3langid (extra ``generate``), which chooses among a study's languages only.

Lui and Baldwin, "langid.py: An Off-the-shelf Language Identification Tool", ACL 2012, System Demonstrations.
"""

from collections.abc import Sequence
from typing import Any

from neuroglot.errors import NeuroglotError, unknown


class Identifier:
    """Tells a few languages apart.

    >>> Identifier(["en", "vi"]).language_of("Trời hôm nay rất đẹp.")
    'vi'
    """

    def __init__(self, languages: Sequence[str]) -> None:
        """Loads the identifier.

        Args:
            languages: Those to choose from, as the study calls them: ``zh-TW`` is looked for as ``zh``.

        Raises:
            NeuroglotError: It does not know one of them, cannot tell two of them apart, or is not installed.
        """
        self._model = _langid()
        self._names: dict[str, str] = {}
        for language in languages:
            code = language.replace("_", "-").partition("-")[0]
            if code not in self._model.nb_classes:
                raise unknown("language", language, self._model.labels, "language identification")
            if code in self._names:
                raise NeuroglotError(
                    f"language identification cannot tell {self._names[code]!r} from {language!r}"
                )
            self._names[code] = language
        self._model.set_languages(list(self._names))

    def language_of(self, text: str) -> str:
        """The likeliest of the languages; empty where the text has no letter to tell by."""
        if not any(letter.isalpha() for letter in text):
            return ""
        code, _ = self._model.classify(text)
        return self._names[code]


def _langid() -> Any:
    """A fresh identifier: its languages are restricted in place."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise NeuroglotError(
            "telling languages apart needs py3langid: pip install 'neuroglot[generate]'"
        ) from error
    return LanguageIdentifier.from_model_file(MODEL_FILE)
