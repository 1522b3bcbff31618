"""The config file: reading, checking, watching and editing it."""
