"""The parts of the GPU's benchmark."""
