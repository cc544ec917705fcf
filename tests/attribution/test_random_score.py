"""Random scores: uniform, and a matter of the sample's ids and the seed alone."""

import torch

from neuroglot.attribution.random_score import RandomScore, random
from neuroglot.model.batch import Batch
from neuroglot.text.samples import Sample


def test_uniform(gemma):
    rows = [Sample("en", "d", n, (2, n, 5), 2, 2) for n in range(200)]
    found = random(gemma, Batch.of(rows), None, ["mlp"], range(3), RandomScore())
    scores = torch.stack(list(found.samples["mlp"].values()), dim=1).double()
    assert scores.shape == (200, 3, 48)
    assert 0 <= scores.min() < scores.max() < 1
    count = torch.histc(scores, 10, 0, 1)
    assert ((count - 2880).abs() < 6 * 2880**0.5).all(), "each tenth holds about a tenth"
    for first, second in ((scores[0], scores[1]), (scores[:, 0], scores[:, 1])):
        related = torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1]
        assert abs(related) < 6 / first.numel() ** 0.5


def test_belongs_to_sample_site_layer_and_seed(samples, gemma):
    def draw(rows, layers=(0, 1, 2), seed=0, sites=("mlp", "resid")):
        return random(gemma, Batch.of(rows), None, sites, layers, RandomScore(seed)).samples

    whole = draw(samples)
    assert torch.equal(draw([samples[3]], [2], sites=["mlp"])["mlp"][2][0], whole["mlp"][2][3])
    same = Sample("zh", "elsewhere", 9, samples[3].ids, 1, 1)
    assert torch.equal(draw([same])["mlp"][2][0], whole["mlp"][2][3]), "the ids say it, not the place"
    assert not torch.equal(draw([samples[3]], seed=1)["mlp"][2][0], whole["mlp"][2][3])
    assert not torch.equal(whole["mlp"][0], whole["mlp"][1])
    assert not torch.equal(whole["mlp"][0][:, :32], whole["resid"][0])
