"""Searched gates: the mask that a budget allows, searched with exact gate gradients."""

from neuroglot.study.gates.gradients import gate_gradients
from neuroglot.study.gates.search import Found, search_gates
from neuroglot.study.gates.settings import GateSettings

__all__ = ["Found", "GateSettings", "gate_gradients", "search_gates"]
