"""What is inside the model: its sites, its head, how it is loaded."""
