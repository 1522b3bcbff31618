"""The UI in a browser: a server that runs an attach client for each visitor."""
