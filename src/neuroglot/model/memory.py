"""Running out of memory: noticed, answered with smaller batches, explained where nothing smaller is left."""

import ctypes
import gc
import logging
import sys
from collections.abc import Callable, Sequence

import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import pack
from neuroglot.text.samples import Sample

logger = logging.getLogger(__name__)

ADVICE = (
    "free memory on the device, load the model in bfloat16 (dtype), turn checkpointing on, "
    "spread the model over several GPUs, or take shorter samples (unit: sentence)"
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, of a GPU or of the processor."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def release() -> None:
    """Gives freed memory back to the system.

    The C library keeps what was freed between things still in use; over many batches of unlike shapes that
    grows to a third of what they need.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):  # glibc has it
        library.malloc_trim(0)


def in_batches(
    samples: Sequence[Sample],
    token_budget: int,
    work: Callable[[list[int]], None],
) -> None:
    """Does ``work`` on batches of samples, longest first; halves the batches when memory runs out.

    Args:
        samples: What to pack.
        token_budget: Positions a batch.
        work: Gets indices into ``samples``. What it had done of a batch when memory ran out is done again.

    Raises:
        NeuroglotError: One sample alone does not fit; says what to change.
    """
    left = pack(samples, token_budget)
    while left:
        batch = left[0]
        try:
            work(batch)
        except Exception as error:
            if not out_of_memory(error):
                raise
        else:
            left = left[1:]
            continue
        # Here the exception is gone, and with it the tensors that its traceback held.
        release()
        longest = samples[batch[0]]
        if len(batch) == 1:
            raise NeuroglotError(
                f"out of memory on a single sample: language {longest.language!r}, document "
                f"{longest.document!r}, {len(longest.ids)} positions. What helps: {ADVICE}"
            )
        token_budget = len(batch) * len(longest.ids) // 2
        logger.warning("out of memory: going on with batches of %d positions", token_budget)
        rest = [index for group in left for index in group]
        left = [[rest[place] for place in group] for group in pack([samples[i] for i in rest], token_budget)]
