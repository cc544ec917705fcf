import hashlib
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroglot.errors import NeuroglotError
from neuroglot.text import Corpus, Document


def parallel(documents=6, sentences=3, languages=("en", "vi")):
    return Corpus(
        "toy",
        {
            language: [
                Document(f"d{d}", tuple(f"{language} {d}.{i}" for i in range(sentences)))
                for d in range(documents)
            ]
            for language in languages
        },
        parallel=True,
    )


def monolingual(**texts):
    """Keyword language=[[sentence, ...], ...]: one inner list a document."""
    return Corpus(
        "mono",
        {
            language: [Document(str(number), tuple(document)) for number, document in enumerate(documents)]
            for language, documents in texts.items()
        },
        parallel=False,
    )


def texts(corpus):
    return {s for documents in corpus.documents.values() for d in documents for s in d.sentences}


def suffixes(corpus, language):
    """Where the sentences of `parallel()` come from: "document.index"."""
    return [s.split()[1] for d in corpus.documents[language] for s in d.sentences]


def test_counts_and_shows_itself():
    corpus = parallel(documents=2, sentences=3)
    assert corpus.languages == ("en", "vi")
    assert corpus.sentences("vi") == 6
    assert len(corpus) == 12
    assert repr(corpus) == "Corpus('toy', parallel, sentences: en 6, vi 6)"
    assert "<tr><td>vi</td><td>2</td><td>6</td></tr>" in corpus._repr_html_()


def test_html_escapes_names():
    corpus = Corpus("<b>", {"<i>": [Document("d", ("x",))]}, parallel=False)
    assert "<b>" not in corpus._repr_html_()
    assert "<i>" not in corpus._repr_html_()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Document("a", ()), "document 'a' has no sentences"),
        (lambda: Document("a", ("x", " \t")), "document 'a': sentence 2 is blank"),
        (lambda: Corpus("c", {}, parallel=False), "corpus 'c' has no languages"),
        (lambda: Corpus("c", {"en": []}, parallel=False), "corpus 'c' has no text in 'en'"),
        (
            lambda: Corpus("c", {"en": [Document("a", ("x",)), Document("a", ("y",))]}, parallel=False),
            "corpus 'c': 'en' has document 'a' twice",
        ),
        (
            lambda: Corpus(
                "c", {"en": [Document("a", ("x", "y"))], "vi": [Document("a", ("z",))]}, parallel=True
            ),
            "corpus 'c' is not parallel: "
            "'vi' has document 'a' (1 sentences) where 'en' has document 'a' (2 sentences)",
        ),
        (
            lambda: Corpus(
                "c",
                {"en": [Document("a", ("x",)), Document("b", ("y",))], "vi": [Document("a", ("z",))]},
                parallel=True,
            ),
            "corpus 'c' is not parallel: 'vi' has no document where 'en' has document 'b' (1 sentences)",
        ),
        (lambda: parallel().restrict(["vii"]), "corpus 'toy': unknown language 'vii'; did you mean 'vi'?"),
        (lambda: parallel().restrict(["vi", "vi"]), "corpus 'toy': language 'vi' is asked for twice"),
        (lambda: parallel().sentences("fr"), "corpus 'toy': unknown language 'fr'"),
        (lambda: parallel().split(), "split needs at least one part"),
        (lambda: parallel().split(a=4, b=3), "split asks for 7 documents; 'en' has 6"),
        (lambda: parallel().split(a=0), "part 'a' is 0 of 6 documents: that is none"),
        (lambda: parallel().split(a=1.5), "split asks for 9 documents; 'en' has 6"),
        (lambda: parallel().split(a=-0.5), "part 'a' is -0.5 of 6 documents"),
        (lambda: parallel().split(a=0.1), "part 'a' is 0.1 of 6 documents"),
        (lambda: parallel().take(19), "asked for 19 sentences a language; 'en' has 18"),
        (lambda: parallel().take(0), "asked for 0 sentences a language"),
    ],
)
def test_mistakes_are_one_line(build, message):
    with pytest.raises(NeuroglotError) as error:
        build()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_restrict_keeps_the_order_asked_for():
    corpus = parallel(languages=("en", "vi", "fr")).restrict(["fr", "en"])
    assert corpus.languages == ("fr", "en")
    assert corpus.parallel


def test_fingerprint_is_of_the_content():
    corpus = monolingual(vi=[["Chào."]])
    canonical = '[false,{"vi":[["0",["Ch\\u00e0o."]]]}]'
    assert corpus.fingerprint == hashlib.sha256(canonical.encode()).hexdigest()
    assert monolingual(vi=[["Chào"]]).fingerprint != corpus.fingerprint
    assert monolingual(fr=[["Chào."]]).fingerprint != corpus.fingerprint
    one, two = parallel(languages=("en", "vi")), parallel(languages=("vi", "en"))
    assert one.fingerprint == two.fingerprint


def test_split_takes_whole_documents_alike_in_every_language():
    corpus = parallel(documents=10)
    parts = corpus.split(seed=3, identify=5, tune=0.29, report=2)
    assert {name: len(part.documents["en"]) for name, part in parts.items()} == {
        "identify": 5,
        "tune": 2,
        "report": 2,
    }
    ids = [d.id for part in parts.values() for d in part.documents["en"]]
    assert len(ids) == len(set(ids))
    for name, part in parts.items():
        assert part.name == f"toy/{name}"
        assert suffixes(part, "en") == suffixes(part, "vi")
        assert all(len(d.sentences) == 3 for d in part.documents["vi"])


def test_a_fraction_survives_binary_rounding():
    corpus = monolingual(en=[[str(i)] for i in range(100)])  # 0.29 × 100 = 28.999…
    assert corpus.split(part=0.29)["part"].sentences("en") == 29


def test_split_is_seeded_and_blind_to_the_other_languages():
    corpus = parallel(documents=20)
    same, again, other = (corpus.split(seed=seed, part=10)["part"] for seed in (0, 0, 1))
    assert same == again
    assert suffixes(same, "en") != suffixes(other, "en")
    alone = corpus.restrict(["vi"]).split(seed=0, part=10)["part"]
    assert suffixes(alone, "vi") == suffixes(same, "vi")


def test_split_of_monolingual_text_counts_each_language():
    corpus = monolingual(en=[[f"e{i}"] for i in range(8)], vi=[[f"v{i}"] for i in range(4)])
    parts = corpus.split(a=0.5, b=0.25)
    assert [(p.sentences("en"), p.sentences("vi")) for p in parts.values()] == [(4, 2), (2, 1)]


def test_parallel_parts_share_no_sentence_and_stay_aligned(caplog):
    # "refrain" stands in every English document, and nowhere in Vietnamese.
    corpus = Corpus(
        "song",
        {
            "en": [Document(str(d), (f"verse {d}", "refrain")) for d in range(4)],
            "vi": [Document(str(d), (f"câu {d}", f"điệp {d}")) for d in range(4)],
        },
        parallel=True,
    )
    with caplog.at_level(logging.WARNING):
        parts = corpus.split(identify=2, report=2)
    assert parts["identify"].sentences("en") == parts["identify"].sentences("vi") == 4
    assert parts["report"].sentences("en") == parts["report"].sentences("vi") == 2
    assert all(s.startswith(("verse", "câu")) for s in texts(parts["report"]))
    assert caplog.messages == ["song/report: left out 4 sentences that an earlier part has too"]


def test_monolingual_parts_share_no_sentence_over_languages():
    corpus = monolingual(id=[["sama", "a"], ["b"]], ms=[["sama", "c"], ["sama", "d"]])
    parts = corpus.split(identify=1, report=1)
    assert not texts(parts["identify"]) & texts(parts["report"])
    assert texts(parts["identify"]) | texts(parts["report"]) == {"sama", "a", "b", "c", "d"}


def test_a_part_with_nothing_new_is_an_error():
    with pytest.raises(NeuroglotError, match="corpus 'mono/b' has no text in 'en'"):
        monolingual(en=[["same"], ["same"]]).split(a=1, b=1)


def test_take_spreads_over_documents_before_it_deepens():
    corpus = parallel(documents=4, sentences=5)
    taken = corpus.take(6)
    assert sorted(len(d.sentences) for d in taken.documents["en"]) == [1, 1, 2, 2]
    assert suffixes(taken, "en") == suffixes(taken, "vi")
    assert corpus.take(20) == corpus
    assert suffixes(corpus.take(6, seed=1), "en") != suffixes(taken, "en")


def test_take_from_uneven_documents():
    corpus = monolingual(en=[["a"], ["b", "c", "d", "e", "f"], ["g", "h"]])
    assert [len(d.sentences) for d in corpus.take(6).documents["en"]] == [1, 3, 2]


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    seed=st.integers(0, 9),
    data=st.data(),
)
def test_take_is_nested_and_keeps_the_order(sizes, seed, data):
    corpus = monolingual(en=[[f"{d}.{i}" for i in range(size)] for d, size in enumerate(sizes)])
    more = data.draw(st.integers(1, sum(sizes)))
    fewer = data.draw(st.integers(1, more))
    large, small = corpus.take(more, seed), corpus.take(fewer, seed)
    assert (large.sentences("en"), small.sentences("en")) == (more, fewer)
    assert texts(small) <= texts(large)
    assert all(list(d.sentences) == sorted(d.sentences) for d in large.documents["en"])
