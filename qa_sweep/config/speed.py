"""The switches of speed: what makes a run faster, and changes its result by rounding alone."""

from dataclasses import dataclass

from qa_sweep.config.section import Section


@dataclass
class SpeedConfig(Section):
    """Each can be turned off; what each is worth is in docs/performance.md."""

    section = "speed"

    windows_on_device: bool = True  # keep all windows in the device's memory, where they fit
    fused_optimizer: bool = True  # one kernel updates all weights
    tf32: bool = True  # on GPUs that have it: matrix products of fp32 in TF32
    compile: bool = False  # torch.compile: takes a while once a worker, and pays on long runs
    spans_on_device: bool = True  # on a GPU: reduce logits to the best spans before they leave it
    keep_freed_memory: bool = True  # on the CPU: do not give memory back to the system in each step
