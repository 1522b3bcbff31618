"""What this host has of CPU, memory and GPUs, and what of it the worker may give away.

What a task is held to is in its job: ``Job.enforcement``.
"""
