"""What several tests share: repeatable examples, the samples that stay outside the repository."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of files as others publish them, named by VIRALKIT_SAMPLES; tests skip without."""
    folder = os.environ.get("VIRALKIT_SAMPLES", "")
    if not Path(folder).is_dir() or not folder:
        pytest.skip("VIRALKIT_SAMPLES names no folder of sample files")
    return Path(folder)
