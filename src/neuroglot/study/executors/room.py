"""How many workers a cluster has room for, and what each of them gets."""

from collections.abc import Sequence
from dataclasses import dataclass

from neuroglot.errors import NeuroglotError


@dataclass(frozen=True)
class Machine:
    """What a machine of the cluster has.

    Attributes:
        cpus: Processor cores.
        gpus: Graphics processors.
    """

    cpus: int
    gpus: int

    def places(self, gpus: float) -> int:
        """Workers that its GPUs hold, several on one or one on several; a fraction lies on one GPU."""
        return self.gpus * int(1 / gpus + 1e-6) if gpus < 1 else self.gpus // int(gpus)


@dataclass(frozen=True)
class Room:
    """What the workers of a run get.

    Attributes:
        workers: How many there are.
        gpus: GPUs each; 0: none.
        threads: Processor threads each, so that those of one machine do not fight over its cores.
    """

    workers: int
    gpus: float
    threads: int


def room_for(machines: Sequence[Machine], workers: int | None, gpus: float | None) -> Room:
    """What was asked for, completed: a GPU a worker where there are any, else a worker a machine.

    Raises:
        NeuroglotError: More is asked for than there is: Ray would wait for it for ever.
    """
    if gpus is None:
        gpus = float(any(machine.gpus for machine in machines))
    if gpus:
        places = sum(machine.places(gpus) for machine in machines)
        if places < (workers or 1):
            raise NeuroglotError(
                f"{workers or 1} workers of {gpus:g} GPUs each do not fit: there is room for {places}, "
                f"with {sum(machine.gpus for machine in machines)} GPUs on {len(machines)} machines"
            )
        workers = workers or places
    workers = workers or len(machines)
    together = -(-workers // len(machines))
    return Room(workers, gpus, max(1, min(machine.cpus for machine in machines) // together))
