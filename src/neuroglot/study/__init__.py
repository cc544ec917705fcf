"""The experiment: recipes, configuration, the steps, and a run folder that can be killed at any moment."""
