"""Rival explanations, and how the frames of their checks are read. One file a family."""
