"""The case report: what it prints, what that bounds, and what contradicts what."""
