"""Small benchmarks in the layout of the real data, and a small foreign task, for a tiny model."""

import json
from pathlib import Path

WORDS = {
    "en": ["rain", "bread", "river", "stone", "lamp", "garden"],
    "fr": ["pluie", "pain", "fleuve", "pierre", "lampe", "jardin"],
    "vi": ["mưa", "bánh", "sông", "đá", "đèn", "vườn"],
}
LABELS = ("entailment", "neutral", "contradiction")
ITEMS = 12


def write_jsonl(path: Path, records: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records), "utf-8")


def write_nlu(home: Path) -> Path:
    """XNLI in en, fr and vi, and MMLU and MGSM in en: what ``NEUROGLOT_DATA`` points at."""
    for language, words in WORDS.items():
        records = [
            {
                "id": f"xnli-{language}-{number}",
                "premise": f"{words[number % 6]} {words[(number + 1) % 6]}.",
                "hypothesis": f"{words[(number * 5 + 2) % 6]}.",
                "label": LABELS[number % 3],
            }
            for number in range(ITEMS)
        ]
        write_jsonl(home / "nlu" / "xnli" / f"{language}_dev.jsonl", records)
    words = WORDS["en"]
    questions = [
        {"id": f"mmlu-{n}", "question": f"{words[n % 6]}?", "choices": words[: 2 + n % 3], "answer": n % 2}
        for n in range(ITEMS)
    ]
    write_jsonl(home / "nlu" / "mmlu" / "en_test.jsonl", questions)
    write_jsonl(home / "nlu" / "mmlu" / "en_dev.jsonl", questions[:3])
    sums = [{"id": f"mgsm-{n}", "question": f"1 + {n}?", "answer": str(1 + n)} for n in range(3)]
    write_jsonl(home / "nlu" / "mgsm" / "en_test.jsonl", sums)
    return home


def write_task(folder: Path, name: str, **changes: object) -> Path:
    """A task of somebody else: the next word, of three, some of two tokens."""
    words = WORDS["en"]
    docs = [
        {
            "text": f"{words[n]} {words[n - 1]}",
            "choices": [f" {words[n][:1]}", f" {words[n]}", " x"],
            "gold": n % 3,
        }
        for n in range(6)
    ]
    write_jsonl(folder / "docs.jsonl", docs)
    config = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "docs.jsonl")}},
        "output_type": "multiple_choice",
        "test_split": "test",
        "doc_to_text": "{{text}}",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "target_delimiter": "",
        **changes,
    }
    (folder / f"{name}.yaml").write_text(json.dumps(config), "utf-8")  # JSON is YAML
    return folder
