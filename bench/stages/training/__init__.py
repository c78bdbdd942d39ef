"""The training loop, and what it reads, writes and resumes from."""
