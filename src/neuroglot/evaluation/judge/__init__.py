"""A model that marks answers, 1 to 10, behind any address that speaks the OpenAI protocol."""
