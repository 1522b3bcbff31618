"""The node tree and where it comes from."""
