"""The words that a prompt needs, in the language of its question."""

from dataclasses import dataclass

from neuroglot.errors import unknown


@dataclass(frozen=True)
class Words:
    """A language's words for a prompt.

    Attributes:
        question: "Question".
        answer: "Answer".
        request: "Answer in <this language>."
    """

    question: str
    answer: str
    request: str


WORDS = {
    "ar": Words("السؤال", "الجواب", "أجب باللغة العربية."),
    "bn": Words("প্রশ্ন", "উত্তর", "বাংলায় উত্তর দিন।"),
    "de": Words("Frage", "Antwort", "Antworte auf Deutsch."),
    "en": Words("Question", "Answer", "Answer in English."),
    "es": Words("Pregunta", "Respuesta", "Responde en español."),
    "fi": Words("Kysymys", "Vastaus", "Vastaa suomeksi."),
    "fr": Words("Question", "Réponse", "Réponds en français."),
    "hi": Words("प्रश्न", "उत्तर", "हिन्दी में उत्तर दीजिए।"),
    "id": Words("Pertanyaan", "Jawaban", "Jawablah dalam bahasa Indonesia."),
    "it": Words("Domanda", "Risposta", "Rispondi in italiano."),
    "ja": Words("質問", "回答", "日本語で答えてください。"),
    "ko": Words("질문", "답변", "한국어로 답해 주세요."),
    "pt": Words("Pergunta", "Resposta", "Responda em português."),
    "ru": Words("Вопрос", "Ответ", "Ответь на русском языке."),
    "sw": Words("Swali", "Jibu", "Jibu kwa Kiswahili."),
    "te": Words("ప్రశ్న", "సమాధానం", "తెలుగులో సమాధానం ఇవ్వండి."),
    "vi": Words("Câu hỏi", "Trả lời", "Hãy trả lời bằng tiếng Việt."),
    "zh": Words("问题", "回答", "请用中文回答。"),
}
"""ISO 639-1 code → its words."""


def words(language: str) -> Words:
    """The words of a language; of ``zh-TW`` those of ``zh``.

    Raises:
        NeuroglotError: Nobody has written them.
    """
    code = language.replace("_", "-").partition("-")[0]
    if code not in WORDS:
        raise unknown("language", language, WORDS, "words for a prompt")
    return WORDS[code]
