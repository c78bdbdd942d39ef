"""Leaderboards, and what else methods are compared by."""
