"""Jobs that were read before: what is written the same need not be read again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.config.parse_settings import ParsedSettings


class KnownJob(NamedTuple):
    """A job about which there was nothing to say."""

    text: str
    """Its value as JSON. Values alone will not do: 1, 1.0 and true are equal."""
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownJobs:
    """The good jobs of one config, by their keys."""

    settings: ParsedSettings | None = None
    """What they were read under, and inherit from; None: there are none."""
    jobs: Mapping[str, KnownJob] = field(default_factory=dict)

    def under(self, settings: ParsedSettings) -> Mapping[str, KnownJob]:
        """Return those that would come out the same under these settings."""
        return self.jobs if self.settings == settings else {}


NO_KNOWN_JOBS = KnownJobs()
