"""The configs that come with the program."""

from pathlib import Path

DIRECTORY = Path(__file__).resolve().parent.parent / "sample_configs"
SUFFIXES = frozenset({".json", ".toml", ".yaml"})


def sample_configs() -> list[Path]:
    """Return all of them, by name; what they use beside them is left out."""
    return sorted(path for path in DIRECTORY.iterdir() if path.suffix in SUFFIXES)
