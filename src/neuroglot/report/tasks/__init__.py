"""Tasks under every mask: the paper's tables and figures, and what they say."""
