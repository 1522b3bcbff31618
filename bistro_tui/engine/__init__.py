"""The scheduler itself, usable without the UI: it never imports Textual or Rich."""
