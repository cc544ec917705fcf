"""Sets found on one model, applied to another: does their effect survive fine-tuning?"""

from neuroglot.study.transfer.frames import transfer_frames
from neuroglot.study.transfer.transferring import Subject, Transfer, transfer

__all__ = ["Subject", "Transfer", "transfer", "transfer_frames"]
