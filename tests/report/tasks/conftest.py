"""The made-up study after its tasks."""

from dataclasses import replace

import pytest

from invented_tasks import invented_tasks


@pytest.fixture(scope="session")
def frames():
    return invented_tasks()


@pytest.fixture(scope="session")
def tasked(findings, frames):
    return replace(findings, tasks=frames)
