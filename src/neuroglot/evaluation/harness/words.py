"""The words that the task files' prompts need, in each language that there is data for.

Ours, not copied; Quechua and Haitian Creole were written without a native reader.
"""

from dataclasses import dataclass

ANSWER = {
    "ar": "الإجابة",
    "bn": "উত্তর",
    "de": "Antwort",
    "en": "Answer",
    "es": "Respuesta",
    "fr": "Réponse",
    "hi": "उत्तर",
    "it": "Risposta",
    "ja": "答え",
    "pl": "Odpowiedź",
    "pt": "Resposta",
    "ru": "Ответ",
    "sw": "Jibu",
    "te": "సమాధానం",
    "th": "คำตอบ",
    "tr": "Cevap",
    "vi": "Đáp án",
    "zh": "答案",
}
"""What stands before an answer."""

QUESTION = {
    "ar": "السؤال",
    "de": "Frage",
    "en": "Question",
    "es": "Pregunta",
    "hi": "प्रश्न",
    "ru": "Вопрос",
    "th": "คำถาม",
    "tr": "Soru",
    "vi": "Câu hỏi",
    "zh": "问题",
}
"""What stands before a question that follows a passage."""

CAUSE_EFFECT = {
    "en": ("because", "so"),
    "et": ("sest", "seega"),
    "ht": ("paske", "donk"),
    "id": ("karena", "jadi"),
    "it": ("perché", "quindi"),
    "qu": ("imarayku", "chayrayku"),
    "sw": ("kwa sababu", "kwa hiyo"),
    "ta": ("ஏனென்றால்", "ஆகவே"),
    "th": ("เพราะ", "ดังนั้น"),
    "tr": ("çünkü", "bu yüzden"),
    "vi": ("bởi vì", "vì vậy"),
    "zh": ("因为", "所以"),
}
"""What joins a sentence to its cause, and to its effect."""


@dataclass(frozen=True)
class Inference:
    """How a language asks whether one sentence follows from another.

    Attributes:
        right: Asks for assent, after the premise.
        yes: The hypothesis follows.
        also: It may be so or not.
        no: It contradicts.
    """

    right: str
    yes: str
    also: str
    no: str


INFERENCE = {
    "ar": Inference("أليس كذلك؟", "نعم", "أيضا", "لا"),
    "de": Inference("richtig?", "Ja", "Außerdem", "Nein"),
    "en": Inference("right?", "Yes", "Also", "No"),
    "es": Inference("¿verdad?", "Sí", "Además", "No"),
    "fr": Inference("n'est-ce pas ?", "Oui", "Aussi", "Non"),
    "hi": Inference("है ना?", "हाँ", "साथ ही", "नहीं"),
    "ru": Inference("верно?", "Да", "Также", "Нет"),
    "sw": Inference("sivyo?", "Ndiyo", "Pia", "Hapana"),
    "th": Inference("ใช่ไหม?", "ใช่", "นอกจากนี้", "ไม่"),
    "tr": Inference("değil mi?", "Evet", "Ayrıca", "Hayır"),
    "vi": Inference("phải không?", "Đúng", "Hơn nữa", "Không"),
    "zh": Inference("对吗？", "是的", "另外", "不"),
}

UNSPACED = ("th", "zh", "ja")
"""Languages that put no space between clauses here."""

COMMA = {"ar": "، ", "th": " ", "zh": "，"}
"""What separates clauses, where it is not a comma and a space."""

COLON = {"ja": "：", "zh": "："}
"""What stands behind `ANSWER`, where it is not a colon and a space."""

ENDS = ".。।．"
"""What ends a statement, and is taken off where the sentence goes on."""

ARTICLES = {
    "en": ("a", "an", "her", "his", "my", "our", "the", "their"),
    "fr": ("la", "le", "les", "ma", "mon", "sa", "son", "un", "une"),
    "pt": ("a", "as", "meu", "minha", "o", "os", "seu", "sua", "um", "uma"),
}
"""Words that have a capital only because a sentence began with them."""
