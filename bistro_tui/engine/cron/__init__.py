"""Cron items: when something happens, as pure functions of item, time and zone."""
