"""The controls of a run: what else could explain its results, charts that look, sentences that decide."""
