"""The config in a person's own editor, on our terminal."""

import asyncio
import os
from pathlib import Path

from bistro_tui.present.editors import editor_command, editor_of
from bistro_tui.screens.stage import Stage


async def edit_file(stage: Stage, path: Path, line: int) -> None:
    """Have ``$VISUAL``, ``$EDITOR`` or vi edit a file at a line; says what goes wrong.

    The engine goes on meanwhile, and looks at the file as it always does.
    """
    if stage.is_read_only:
        stage.say(f"{path.name} is not opened: this screen only looks", True)
        return
    if not stage.is_local:
        stage.say(f"{path} is on the scheduler's machine, not on this one", True)
        return
    if not await asyncio.to_thread(path.is_file):
        stage.say(f"{path} is no file that an editor could open", True)
        return
    editor = editor_of(os.environ)
    try:
        command = editor_command(editor, str(path), line)
    except ValueError as error:
        stage.say(f"$EDITOR {editor!r} is no command: {error}", True)
        return
    trouble = await stage.lend_terminal(command)
    if trouble:
        hint = "" if "EDITOR" in os.environ else "; set $EDITOR to yours"
        stage.say(f"not edited: {trouble}{hint}", True)
