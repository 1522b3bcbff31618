"""Local child processes, through wardens: what a task gets, its output, its end."""
