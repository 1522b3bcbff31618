"""Which nodes of a level a job may use.

Source: Bistro, config/JobFilters.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFilter:
    """All conditions of one level; a node passes if every given one holds."""

    whitelist: frozenset[str] = frozenset()
    whitelist_regex: str | None = None
    blacklist: frozenset[str] = frozenset()
    blacklist_regex: str | None = None
    tag_whitelist: frozenset[str] = frozenset()
    fraction_of_nodes: float = 1.0

    def accepts(self, *, job: str, node: str, tags: frozenset[str]) -> bool:
        """Return whether a node of that name and tags passes for that job."""
        raise NotImplementedError
