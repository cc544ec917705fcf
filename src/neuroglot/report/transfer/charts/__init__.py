"""The figures of a transfer."""
