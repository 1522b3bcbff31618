"""What the run before left behind: waited for, ended and adopted at the start."""
