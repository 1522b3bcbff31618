"""All pages of the main screen, in the order of their keys."""

from bistro_tui.screens.events import EventsPage
from bistro_tui.screens.jobs import JobsPage
from bistro_tui.screens.logs import LogsPage
from bistro_tui.screens.nodes import NodesPage
from bistro_tui.screens.overview import OverviewPage
from bistro_tui.screens.page import Page
from bistro_tui.screens.resources import ResourcesPage
from bistro_tui.screens.tasks import TasksPage
from bistro_tui.screens.timeline import TimelinePage

PAGES: tuple[type[Page], ...] = (
    OverviewPage,
    JobsPage,
    NodesPage,
    ResourcesPage,
    TasksPage,
    LogsPage,
    TimelinePage,
    EventsPage,
)
