"""The page and sentences of a transfer."""

from neuroglot.report.transfer.page import write_transfer

__all__ = ["write_transfer"]
