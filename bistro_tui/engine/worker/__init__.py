"""A remote worker: runs tasks for a scheduler elsewhere, and forgets none of them."""
