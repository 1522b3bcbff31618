"""What the exit codes mean; documented in the README and frozen."""

OK = 0
NOT_DONE = 1
"""Not every owed task is done, or a running scheduler refused."""
USAGE = 2
"""Wrong command line, or a config that cannot be used."""
DATA_DIR_UNUSABLE = 3
DATA_DIR_HELD = 4
NO_ANSWER = 5
"""No scheduler answers."""
INTERRUPTED = 130
TERMINATED = 143
