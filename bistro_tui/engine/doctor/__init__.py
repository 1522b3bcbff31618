"""What this machine gives, and what is weak: looked at first, then judged."""
