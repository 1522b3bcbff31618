import random
from pathlib import Path

import pytest

from tests.e2e.program import Place
from tests.faults.seeds import chosen_seed


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def rng() -> random.Random:
    """Print the seed, which a failing test then shows; FAULT_SEED sets it."""
    seed = chosen_seed()
    print(f"FAULT_SEED={seed}")
    return random.Random(seed)
