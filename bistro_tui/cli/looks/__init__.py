"""One-shot looks at a running scheduler: each asks once, prints, and ends."""
