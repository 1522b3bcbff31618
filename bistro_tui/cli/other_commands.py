"""What the help of the program says of its commands, in groups."""

GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Commands about a config",
        (
            ("init [FILE]", "Write a starter config to edit."),
            ("validate CONFIG", "Check a config; run nothing."),
            ("plan CONFIG", "Show what would run, and what not."),
            ("cron ITEM", "Show when a cron item fires next."),
        ),
    ),
    (
        "Commands that look at a running scheduler",
        (
            ("attach [CONFIG...]", "Show this UI of those that run."),
            ("web [CONFIG]", "Show this UI in a browser."),
            ("ps [JOB]", "Show the tasks that run now."),
            ("jobs [JOB...]", "Show the jobs, and how far each is."),
            ("tasks [JOB]", "Show tasks by what is true of them."),
            ("nodes [NODE...]", "Show the nodes and their limits."),
            ("workers", "Show where tasks run."),
            ("errors", "Show what is wrong now."),
            ("why JOB NODE", "Show why a task is not running."),
            ("top --once", "Show one look at everything."),
            ("query JSON", "Ask one request of the REST interface."),
        ),
    ),
    (
        "Commands on other machines",
        (("worker", "Run tasks on this host for a scheduler elsewhere."),),
    ),
    (
        "Commands that act on a running scheduler",
        (
            ("enable JOB...", "Have the tasks of jobs run."),
            ("disable JOB...", "Have no more tasks of jobs run."),
            ("kill JOB NODE", "Stop a running task."),
            ("forgive JOB...", "Let failed tasks and those in backoff run again."),
            ("wait --until WHAT", "Wait until all is done, or nothing runs."),
            ("stop", "Stop it, and wait until it has ended."),
        ),
    ),
    (
        "Commands that look back, and at this machine",
        (
            ("logs [JOB [NODE]]", "Show what tasks printed."),
            ("history [JOB [NODE]]", "Show attempts that are over."),
            ("doctor", "Show what is weak here, and what helps."),
            ("keys", "Show every key of the screen, and check yours."),
            ("completion SHELL", "Print what teaches a shell our words."),
            ("--version", "Show the version."),
        ),
    ),
)
"""Titles, and how a command is called and what it does."""
