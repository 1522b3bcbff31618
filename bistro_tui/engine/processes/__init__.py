"""Local child processes: what a task gets, its output, its status file, its end."""
