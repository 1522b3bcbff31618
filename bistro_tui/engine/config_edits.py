"""Edits of single values of the config that people ask for."""

from bistro_tui.engine.config.job_edits import limiting, prioritising
from bistro_tui.engine.ids import JobName, LevelName, ResourceName
from bistro_tui.engine.world import World


async def set_job_priority(
    world: World, job: JobName, priority: float, *, version: str | None = None
) -> bool:
    """Edit the file and return, once that is in force, whether it changed anything.

    Raises ControlRefused, also for a job of another ``version`` than that.
    """
    said = f"{job} with priority {priority:.15g}"
    return await world.edit(prioritising(world.path, job, priority, version), said)


async def set_limit(
    world: World, level: LevelName, resource: ResourceName, limit: int
) -> bool:
    """Edit the file and return, once that is in force, whether it changed anything.

    Raises ControlRefused, also for a limit that the settings cannot have.
    """
    said = f"{resource} of {level} limited to {limit}"
    return await world.edit(limiting(world.path, level, resource, limit), said)
