"""Answers that a model writes, under masks or served elsewhere, and what is measured of them."""
