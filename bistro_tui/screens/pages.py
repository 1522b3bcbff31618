"""All pages of the main screen, in the order of their keys."""

from bistro_tui.screens.overview import OverviewPage
from bistro_tui.screens.page import Page

PAGES: tuple[type[Page], ...] = (OverviewPage,)
