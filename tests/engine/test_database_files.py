"""What is written again is the same as before, and is written."""

import os
import random
from pathlib import Path

from bistro_tui.engine.database_files import write_again


def test_what_is_written_again_is_written_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "d.sql3-wal"
    content = random.Random(1).randbytes(2 * 2**20 + 7)
    path.write_bytes(content)
    os.utime(path, (1, 1))
    write_again(path)
    assert path.read_bytes() == content
    assert path.stat().st_mtime > 1


def test_a_file_that_is_empty_or_missing_needs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "d.sql3-wal"
    write_again(path)
    assert not path.exists()
    path.touch()
    write_again(path)
    assert path.stat().st_size == 0
