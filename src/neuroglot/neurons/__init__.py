"""Names for the model's parts: neuron sets, their overlap, their file format."""

from neuroglot.neurons.neuron_set import NeuronSet, Overlap

__all__ = ["NeuronSet", "Overlap"]
