"""What tasks say, in sentences: each decided by intervals, and claiming no more than they do."""
