"""What a mask changed: LangSpec-F1, collateral, and how sure of it the documents let us be."""
