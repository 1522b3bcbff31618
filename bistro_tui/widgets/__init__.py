"""Widgets, one a file: each draws what it is given and asks by messages."""
