"""What stands between the core and a runner."""
