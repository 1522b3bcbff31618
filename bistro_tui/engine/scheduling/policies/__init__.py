"""Which job takes the next slot: one policy a file."""
