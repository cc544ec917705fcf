"""The charts of the controls, one file a check."""
