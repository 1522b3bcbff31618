"""Remote workers: what both sides say and remember, and how they are connected."""
