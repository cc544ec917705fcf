"""What got slower between two runs, by more than the noise; and the table of aims."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def compare(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("compare")


def a_run(cpu="one", **seconds):
    return {"machine": {"cpu": cpu}, "parts": {"pass": {"seconds": seconds}}}


def changes(compare, before, after):
    return {change.name: change for change in compare.changes(before, after)}


def test_slower_is_more_than_the_noise_of_both_runs(compare):
    before = a_run(steady=[1.0, 1.0, 1.0], noisy=[1.0, 1.0, 1.5], gone=[1.0])
    after = a_run(steady=[1.1, 1.1, 1.1], noisy=[1.4, 1.4, 1.4], new=[1.0])
    found = changes(compare, before, after)
    assert list(found) == ["pass: steady", "pass: noisy"]
    assert found["pass: steady"].slower
    assert not found["pass: noisy"].slower
    assert found["pass: noisy"].ratio == pytest.approx(1.4)


def test_a_hair_is_never_slower(compare):
    found = changes(compare, a_run(steady=[1.0, 1.0]), a_run(steady=[1.04, 1.04]))
    assert not found["pass: steady"].slower


def test_on_another_machine_only_what_changed_against_its_part_counts(compare):
    before = a_run(cpu="old", floor=[1.0, 1.0], ours=[2.0, 2.0])
    after = a_run(cpu="new", floor=[3.0, 3.0], ours=[9.0, 9.0])
    found = changes(compare, before, after)
    assert not found["pass: floor"].slower
    assert found["pass: ours"].ratio == pytest.approx(1.5)
    assert found["pass: ours"].slower


def test_the_script_says_it_and_exits_with_1(compare, tmp_path, monkeypatch, capsys):
    for name, seconds in (("before", 1.0), ("after", 2.0)):
        (tmp_path / name).write_text(json.dumps(a_run(steady=[seconds, seconds])), "utf-8")
    monkeypatch.setattr(sys, "argv", ["compare.py", str(tmp_path / "before"), str(tmp_path / "after")])
    with pytest.raises(SystemExit) as exit_code:
        compare.main()
    assert exit_code.value.code == 1
    printed = capsys.readouterr().out
    assert "2.00 × (noise 1.00)  pass: steady  SLOWER" in printed
    assert "1 of 1 got slower" in printed
