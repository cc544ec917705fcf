"""Tokens to samples to languages: reductions, per-sample scores, mergeable statistics, the labelled bank."""
