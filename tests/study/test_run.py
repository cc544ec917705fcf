import errno
import json
import math
import shutil

import pytest
from zarr.storage import ZipStore

from neuroglot.errors import NeuroglotError
from neuroglot.neurons import NeuronSet
from neuroglot.report.findings import Findings
from neuroglot.report.gather import gather
from neuroglot.study import ablating, reading, steps
from neuroglot.study.executors import local
from neuroglot.study.run import Run
from tiny_study import RESULTS, WORDS, results, run_stages, write_corpus


@pytest.fixture
def work(monkeypatch) -> dict[str, list]:
    """Counts what costs model time: quantities scored, masks evaluated."""
    done = {"quantities": [], "masks": []}
    score_samples, likelihood = reading.score_samples, ablating.likelihood

    def counted_scores(model, samples, quantities, **options):
        done["quantities"] += quantities
        return score_samples(model, samples, quantities, **options)

    def counted_likelihood(model, samples, interventions, **options):
        done["masks"] += interventions
        return likelihood(model, samples, interventions, **options)

    monkeypatch.setattr(reading, "score_samples", counted_scores)
    monkeypatch.setattr(ablating, "likelihood", counted_likelihood)
    return done


def test_a_run_leaves_sets_tables_and_a_manifest(home):
    folder = home / "run"
    assert tuple(results(folder)) == RESULTS
    for recipe in ("grad_act", "lape_budget", "matched/grad_act/0"):
        for language in WORDS:
            chosen = NeuronSet.load(folder / "sets" / recipe / f"{language}.json")
            assert chosen.language == language
            assert len(chosen) <= 7  # 5 % of 3 × 48 neurons
    assert list(Run.open(folder).manifest["stages"]) == ["score", "select", "ablate", "evaluate"]


def test_the_tables_hold_no_nan_where_something_was_measured(home):
    tables = Run.open(home / "run").tables()
    for frame in (tables.base, tables.drops, tables.differences):
        assert not frame.isna().any().any()
    measured = ["f1_relative", "f1_absolute", "f1_relative_low", "f1_relative_high", "size"]
    assert not tables.langspec[measured].isna().any().any()


def test_identification_and_report_share_no_document_and_no_sentence(study, tmp_path):
    for file in write_corpus(tmp_path / "text").iterdir():  # now every document ends with the same sentence
        file.write_text(file.read_text("utf-8").replace("\n\n", "\nthe end\n\n") + "the end\n", "utf-8")
    parts = Run.begin(tmp_path / "run", study(text={"source": str(tmp_path / "text")})).text
    for language in WORDS:
        one, two = (parts[name].documents[language] for name in ("identify", "report"))
        assert not {document.id for document in one} & {document.id for document in two}
        assert "the end" in one[0].sentences
        assert not {text for document in one for text in document.sentences} & {
            text for document in two for text in document.sentences
        }


def test_a_second_run_computes_nothing_and_changes_nothing(finished, study, work):
    before = results(finished)
    run_stages(finished, study())
    assert work == {"quantities": [], "masks": []}
    assert results(finished) == before


def test_one_more_recipe_computes_only_what_is_lacking(finished, study, work, tmp_path):
    more = study(recipes=["activation", "grad_act", "lape_budget"])
    run_stages(finished, more)
    assert {quantity.score for quantity in work["quantities"]} == {"activation_abs"}
    assert all("activation" in mask for mask in work["masks"])
    run_stages(tmp_path / "fresh", more)
    assert results(finished) == results(tmp_path / "fresh")


def test_another_precision_computes_everything_anew(finished, study, work):
    """A run that goes on on another processor must not mix its numbers with those of the first."""
    run = run_stages(finished, study(precision="mixed"))
    assert len(work["quantities"]) > 0
    assert len(work["masks"]) == len(run.ablation.masks)
    assert json.loads(run.bank.attributes["model"])["precision"] == "mixed"


def test_one_recipe_less_computes_nothing(finished, study, work):
    run_stages(finished, study(recipes=["grad_act"]))
    assert work == {"quantities": [], "masks": []}


def test_the_same_seed_gives_the_same_bytes_and_another_other_random_sets(home, study, tmp_path):
    run_stages(tmp_path / "again", study())
    assert results(tmp_path / "again") == results(home / "run")
    run_stages(tmp_path / "other", study(seed=1))
    assert results(tmp_path / "other") != results(home / "run")
    for number in range(2):
        one, two = (
            NeuronSet.load(folder / f"sets/uniform/{number}.json")
            for folder in (home / "run", tmp_path / "other")
        )
        assert one != two


def test_the_findings_of_a_finished_run(home):
    findings = gather(Run.open(home / "run"))
    assert isinstance(findings, Findings)  # which checks every frame's columns
    assert findings.languages == list(WORDS)
    frames = (
        "langspec",
        "means",
        "drops",
        "base",
        "differences",
        "layers",
        "quantiles",
        "overlap",
        "scatter",
    )
    assert all(len(getattr(findings, name)) for name in frames)
    assert set(findings.layers.groupby(["recipe", "language"])["neurons"].sum()) <= set(range(8))


def test_a_stage_asks_for_the_one_before_it(study, tmp_path):
    run = Run.begin(tmp_path / "run", study())
    for stage, needs in (("select", "score"), ("ablate", "score"), ("tables", "ablate")):
        with pytest.raises(NeuroglotError, match=f"stage '{needs}' .* is not finished"):
            getattr(run, stage)()


def test_an_edited_configuration_forgets_what_was_finished(finished):
    file = finished / "study.yaml"
    file.write_text(file.read_text("utf-8").replace("seed: 0", "seed: 1"), "utf-8")
    with pytest.raises(NeuroglotError, match=r"stage 'select' .* is not finished"):
        _ = Run.open(finished).sets


def test_the_written_configuration_is_the_study(finished, study):
    assert Run.open(finished).study.digest == study().digest


def test_changed_text_is_not_evaluated_with_the_old_sets(finished, study, home, tmp_path):
    text = tmp_path / "text"
    shutil.copytree(home / "text", text)
    run_stages(tmp_path / "own", changed := study(text={"source": str(text)}))
    line = (text / "en.txt").read_text("utf-8")
    (text / "en.txt").write_text(line.replace("lamp", "candle"), "utf-8")
    run = Run.begin(tmp_path / "own", changed)
    with pytest.raises(NeuroglotError, match="text or model have changed since `score`"):
        run.ablate()
    run.score()
    assert list(run.manifest["stages"]) == ["score"]


def test_a_second_process_gets_one_line(finished, study):
    with Run.open(finished).lock():
        with pytest.raises(NeuroglotError, match="another process is working in"), Run.open(finished).lock():
            pass
        with pytest.raises(NeuroglotError, match="another process is working in"):
            Run.begin(finished, study(seed=5))
    assert Run.open(finished).study.seed == 0


def test_the_lock_sweeps_up_what_a_killed_run_left(finished):
    (finished / "bank" / ".0000.zarr.zip.123").write_bytes(b"half")
    (finished / ".manifest.json.123").write_bytes(b"half")
    (finished / ".keep").write_bytes(b"a person's")
    with Run.open(finished).lock():
        pass
    assert {path.name for path in finished.rglob(".*")} <= {".lock", ".keep"}


def cut(path, share=0.5):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def flip(path):
    data = bytearray(path.read_bytes())
    data[400:500] = bytes(octet ^ 255 for octet in data[400:500])
    path.write_bytes(data)


DAMAGES = {
    "truncated": cut,
    "flipped": flip,
    "empty": lambda path: cut(path, 0),
    "gone": lambda path: path.unlink(),
}
EXPENSIVE = {
    "shard of the bank": ("bank/*/*.zarr.zip", Run.select, "bank file", DAMAGES),
    "index of a pass": ("bank/*/*.json", Run.select, "damaged|empty", ("truncated", "gone")),
    "piece of the ablation": ("ablation/*.zarr.zip", Run.tables, "bank file", ("truncated", "gone")),
}


@pytest.mark.parametrize(
    ("what", "damage"), [(what, damage) for what, (*_, damages) in EXPENSIVE.items() for damage in damages]
)
def test_damage_stops_the_stage_that_reads_it_and_the_run_repairs_it(what, damage, finished, study):
    pattern, read, message, _ = EXPENSIVE[what]
    before = results(finished)
    DAMAGES[damage](next(finished.glob(pattern)))
    with pytest.raises(NeuroglotError, match=message) as caught:
        read(Run.open(finished))
    assert "\n" not in str(caught.value)
    run_stages(finished, study())
    assert results(finished) == before


def test_a_truncated_set_is_named_and_selected_again(finished, study):
    before = results(finished)
    cut(finished / "sets/grad_act/en.json")
    with pytest.raises(NeuroglotError, match=r"en.json.* is truncated or not JSON"):
        Run.open(finished).ablate()
    run_stages(finished, study())
    assert results(finished) == before


def test_a_damaged_manifest_says_what_to_do_and_that_works(finished, study, work):
    before = results(finished)
    for content in ("", '{"format": "neuro', "[1, 2]", "null"):
        (finished / "manifest.json").write_text(content)
        with pytest.raises(NeuroglotError, match=r"manifest.json' is damaged .*; delete it"):
            Run.begin(finished, study())
    (finished / "manifest.json").unlink()
    run_stages(finished, study())
    assert results(finished) == before
    assert work == {"quantities": [], "masks": []}


def test_a_killed_study_of_other_recipes_leaves_nothing_to_average_in(finished, study, monkeypatch, home):
    """A pass that was cut short, then not asked for any more: its shards are not part of the bank."""
    monkeypatch.setattr(reading, "SHARD_TOKENS", 100)
    save_shard, written = local.save_shard, []

    def dies(shard, path):
        if len(written) == 1:
            raise KeyboardInterrupt
        save_shard(shard, path)
        written.append(path)

    monkeypatch.setattr(local, "save_shard", dies)
    with pytest.raises(KeyboardInterrupt):
        run_stages(finished, study(recipes=["grad_act", "activation", "lape_budget"]))
    assert written[0].exists()
    run_stages(finished, study())
    assert not written[0].exists()
    assert results(finished) == results(home / "run")


def test_a_full_disk_leaves_nothing_half_written(study, tmp_path, monkeypatch):
    def full(self, *_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    run = Run.begin(tmp_path / "run", study())
    monkeypatch.setattr(ZipStore, "_set", full)
    with pytest.raises(NeuroglotError, match=r"^cannot write .* in the folder '.*/bank/.*': No space left"):
        run.score()
    assert not [path for path in (tmp_path / "run" / "bank").rglob("*") if path.is_file()]
    monkeypatch.undo()
    run.score()


def test_what_a_study_asks_of_the_model_is_checked_before_the_pass(home, study, tmp_path, work):
    cases = {
        "budget: .* more than the 144": {"budget": 500},
        "budget: .* less than one": {"budget": 0.0001},
        r"layers: layers \[3\] do not exist": {"layers": [0, 3]},
        "text: .*too short": {"text": {"source": str(tmp_path / "short")}},
    }
    write_corpus(tmp_path / "short")
    (tmp_path / "short/en.txt").write_text("\n\n".join("abcdef") + "\n")
    for number, (message, changes) in enumerate(cases.items()):
        with pytest.raises(NeuroglotError, match=message) as caught:
            Run.begin(tmp_path / str(number), study(**changes)).score()
        assert "study.yaml: " in str(caught.value)
    assert not work["quantities"]


def test_layers_restrict_recipes_and_controls_alike(study, tmp_path):
    run = run_stages(tmp_path / "run", study(layers=[1, 2], budget=5))
    for path in (run.folder / "sets").rglob("*.json"):
        chosen = NeuronSet.load(path)
        assert not chosen.mask[0].any()
        assert len(chosen) <= 5
    assert len(NeuronSet.load(run.folder / "sets/uniform/0.json")) == 5


def test_a_streamed_run_chooses_the_same_sets(home, study, tmp_path, monkeypatch, work):
    monkeypatch.setattr(steps, "STORE_LIMIT", 0)
    monkeypatch.setattr(reading, "STREAMED_SHARD_TOKENS", 400)  # several shards to merge
    folder = tmp_path / "run"
    run_stages(folder, study())
    kinds = {
        shard.children["mlp"].attrs["kind"]
        for shard in Run.open(folder).bank.shards
        if "mlp" in shard.children
    }
    assert kinds == {"moments"}
    for stored in (home / "run" / "sets").rglob("*.json"):
        assert NeuronSet.load(stored) == NeuronSet.load(folder / stored.relative_to(home / "run"))
    work["quantities"].clear()
    run_stages(folder, study(recipes=["grad_act", "lape_budget", "activation"]))
    assert {quantity.score for quantity in work["quantities"]} == {"activation_abs"}
    drops = Run.open(folder).tables().drops
    assert math.isfinite(drops["log_likelihood"].sum())
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["stages"]["score"]
