"""What people use models for, under a run's masks: benchmarks, open questions, a judge, steering."""
