"""What a neuron does to the output: one file a score family, one engine that runs a pass for all."""
