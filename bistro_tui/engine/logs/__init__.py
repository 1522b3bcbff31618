"""The log store: what tasks printed, and what happened to them."""
