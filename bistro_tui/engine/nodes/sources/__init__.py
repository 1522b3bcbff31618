"""Node sources, one a file."""
