"""The command line: one small file a command."""

from neuroglot.cli.app import main

__all__ = ["main"]
