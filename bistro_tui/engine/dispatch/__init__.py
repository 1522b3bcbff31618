"""Between the core and a runner: its reports in, the core's actions out."""
