"""P(letter) against the network's own softmax; prompts, control by control, as a person would write them."""

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES
from neuroglot.text.continuations import continuations
from neuroglot.text.corpus import Corpus, Document
from tiny import tiny_model

CONTROLS = ("none", "options", "copy")


def task_of(model, corpus, control="none"):
    return OBJECTIVES["answer"].configured({"control": control}).task(model, corpus, "sentence")


@pytest.mark.parametrize("control", CONTROLS)
def test_the_letters_probability_by_hand(control, roomy, corpus):
    """The prompt alone through the network; what its last position gives to the bytes of " A" one by one."""
    task = task_of(roomy, corpus, control)
    assert len(task.samples) == 18
    batch = Batch.of(task.samples[:6])
    with torch.no_grad():
        values, _ = task.objective(roomy.body(batch.ids), batch, roomy.head)
    for row, item in enumerate(continuations(corpus)[:6]):
        sample = batch.samples[row]
        prompt = roomy.tokenizer.decode(sample.ids[1 : 1 + sample.prompt])
        letter = " " + "ABCD"[item.answer]
        ids = roomy.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        p = 1.0
        for token in roomy.tokenizer(letter, add_special_tokens=False)["input_ids"]:
            with torch.no_grad():
                p *= roomy.network(torch.tensor([[2, *ids]])).logits[0, -1].softmax(-1)[token].item()
            ids.append(token)
        assert list(sample.ids[1:]) == ids, "nothing but the letter follows the prompt"
        assert values[row].item() == pytest.approx(p, rel=1e-4)


@pytest.mark.parametrize("family", ["gemma2", "gemma3_text"])
def test_gradient_against_full_logits(family, corpus, logits_of):
    model = tiny_model(family, max_position_embeddings=1024)
    task = task_of(model, corpus)
    batch = Batch.of(task.samples[:4])
    with torch.no_grad():
        hidden = model.body(batch.ids)
    values, slopes = task.objective(hidden, batch, model.head)
    for row, sample in enumerate(batch.samples):
        free = hidden[row, : len(sample.ids)].clone().requires_grad_()
        table = logits_of(model, free).softmax(-1)
        p = torch.stack(
            [table[place, sample.ids[place + 1]] for place in range(sample.prompt, len(sample.ids) - 1)]
        ).prod()
        (slope,) = torch.autograd.grad(p, free)
        assert values[row].item() == pytest.approx(p.item(), rel=1e-4)
        largest = slope.abs().max().item()
        torch.testing.assert_close(slopes[row, : len(sample.ids)], slope, rtol=1e-4, atol=1e-5 * largest)
        assert slopes[row].any()


def test_prompts_of_the_three_controls(roomy, corpus):
    item = continuations(corpus)[0]
    assert (item.beginning, item.choices[item.answer]) == ("rain on", "the roof")
    options = "".join(f"{name}. … {text}\n" for name, text in zip("ABCD", item.choices, strict=True)) + "="
    expected = {
        "none": f"rain on …\n{options}",
        "options": f"…\n{options}",
        "copy": f"… the roof\n{options}",
    }
    for control, prompt in expected.items():
        sample = task_of(roomy, corpus, control).samples[0]
        assert roomy.tokenizer.decode(sample.ids[1 : 1 + sample.prompt]) == prompt
        assert roomy.tokenizer.decode(sample.ids[1 + sample.prompt :]) == f" {'ABCD'[item.answer]}"
        assert (sample.language, sample.document, sample.sentence) == ("en", "d0", 0)
    assert "rain on" not in expected["copy"]


def test_controls_differ_in_their_prompts_alone(roomy, corpus):
    asked = {control: task_of(roomy, corpus, control).samples for control in CONTROLS}
    for own in zip(*asked.values(), strict=True):
        assert (
            len({(one.language, one.document, one.sentence, one.ids[1 + one.prompt :]) for one in own}) == 1
        )
        assert len({one.ids for one in own}) == 3


def test_what_cannot_be_asked(corpus):
    with pytest.raises(NeuroglotError, match="'answer': unknown control 'copied'; did you mean 'copy'"):
        OBJECTIVES["answer"].configured({"control": "copied"})
    few = Corpus("few", {"en": [Document("d", ("a b", "c d", "e f"))]}, parallel=False)
    with pytest.raises(NeuroglotError, match="at least 4 sentences a language; 'en' has 3 that can"):
        OBJECTIVES["answer"].check(few)
    with pytest.raises(
        NeuroglotError, match=r"positions are needed for en, document 'd0', sentence 1; .* 64"
    ):
        task_of(tiny_model("gemma3_text", max_position_embeddings=64), corpus)
