"""Steering: answers forced into another language by neurons, beside asking for it and DiffMean."""

from neuroglot.study.tasks.steering.steer import steer_frames

__all__ = ["steer_frames"]
