"""The figures of tasks."""
