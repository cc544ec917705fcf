"""What if some neurons were off: kinds of intervention, live hooks, and the proof that they worked."""
