"""Policies by name, those of plug-ins kept from stopping the scheduler."""

import logging
import random
from collections.abc import Collection, Sequence

from bistro_tui.engine.config.find_plugged import POLICY_METHODS
from bistro_tui.engine.foreign import is_failure
from bistro_tui.engine.installed import Group, Part, PluginError, described, find
from bistro_tui.engine.scheduling.policies.policy import Contender, Policy
from bistro_tui.engine.scheduling.policies.registry import PolicyFactory
from bistro_tui.engine.scheduling.policies.roundrobin import RoundRobin

log = logging.getLogger("bistro_tui")


def policy_named(name: str) -> PolicyFactory:
    """Return what makes policies of that name. Raises PluginError."""
    part = find(Group.POLICIES, name)
    factory: PolicyFactory = part.load()
    if not part.distribution:
        return factory
    return lambda rng: GuardedPolicy(part, factory, rng)


class GuardedPolicy:
    """Does what the plug-in says; after an error roundrobin goes on in its place.

    It has another chance, as a new policy, when the jobs change.
    """

    def __init__(self, part: Part, factory: PolicyFactory, rng: random.Random) -> None:
        self._part, self._factory, self._rng = part, factory, rng
        self._jobs: Sequence[Contender] = ()
        self._has_failed = True
        self._policy: Policy = RoundRobin(rng)
        self._make()

    def set_jobs(self, jobs: Sequence[Contender]) -> None:
        """Take note of all jobs that can ever be chosen."""
        self._jobs = jobs
        if self._has_failed:
            self._make()
        try:
            self._policy.set_jobs(jobs)
        except BaseException as error:
            if not is_failure(error):
                raise
            self._give_up(described(error))

    def choose(self, waiting: Collection[Contender]) -> Contender:
        """Return the job of ``waiting`` that is next."""
        try:
            chosen = self._policy.choose(waiting)
            if chosen in waiting:
                return chosen
            self._give_up(f"it chose {chosen!r}, which is no job that waits")
        except BaseException as error:
            if not is_failure(error):
                raise
            self._give_up(described(error))
        return self._policy.choose(waiting)

    def started(self, job: Contender) -> None:
        """Take note that a task of ``job`` starts."""
        try:
            self._policy.started(job)
        except BaseException as error:
            if not is_failure(error):
                raise
            self._give_up(described(error))

    def changed(self, job: Contender) -> None:
        """Take note that ``job`` has other candidates now."""
        try:
            self._policy.changed(job)
        except BaseException as error:
            if not is_failure(error):
                raise
            self._give_up(described(error))

    def _make(self) -> None:
        try:
            made = self._factory(self._rng)
            self._policy = self._part.checked(made, POLICY_METHODS)
            self._has_failed = False
        except PluginError as error:
            self._give_up(str(error))
        except BaseException as error:
            if not is_failure(error):
                raise
            self._give_up(described(error))

    def _give_up(self, problem: str) -> None:
        log.error(
            "the %s failed: %s; roundrobin goes on in its place until the jobs change",
            self._part,
            problem,
        )
        self._has_failed = True
        self._policy = RoundRobin(self._rng)
        self._policy.set_jobs(self._jobs)
