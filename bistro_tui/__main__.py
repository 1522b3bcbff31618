"""Run ``python -m bistro_tui`` as the ``bistro-tui`` command."""

from bistro_tui.cli.entry import main

if __name__ == "__main__":
    main()
