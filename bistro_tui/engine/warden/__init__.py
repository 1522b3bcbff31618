"""The warden: a small program that starts, watches and ends the tasks of one scheduler.

It runs in a process of its own and imports the standard library and this package only.
"""
