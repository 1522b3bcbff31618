"""Asking a running scheduler, over its unix socket or a URL."""
