"""Our palette as a Textual theme, so that stock widgets look like ours."""

from textual.theme import Theme

from bistro_tui.present import palette

NIGHT = Theme(
    name="bistro-night",
    primary=palette.ACCENT,
    secondary=palette.READY,
    accent=palette.ACCENT,
    warning=palette.BLOCKED,
    error=palette.FAILED,
    success=palette.DONE,
    foreground=palette.INK,
    background=palette.GROUND,
    surface=palette.RAISED,
    panel=palette.RAISED,
    boost=palette.CURSOR_OFF,
    dark=True,
    variables={
        "dim": palette.DIM,
        "faint": palette.FAINT,
        "lifted": palette.CURSOR_OFF,
        "scrollbar": palette.FAINT,
        "scrollbar-hover": palette.DIM,
        "scrollbar-active": palette.ACCENT,
        "scrollbar-background": palette.GROUND,
        "scrollbar-background-hover": palette.GROUND,
        "scrollbar-background-active": palette.GROUND,
        "scrollbar-corner-color": palette.GROUND,
        "input-cursor-background": palette.ACCENT,
        "block-cursor-background": palette.CURSOR,
        "block-cursor-foreground": palette.INK,
        "block-cursor-text-style": "bold",
    },
)
