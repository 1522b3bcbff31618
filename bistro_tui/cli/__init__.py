"""The command line: argv to command; the only place that knows exit codes."""
