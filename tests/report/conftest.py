"""The record of the report, read once for all tests of this part."""

from __future__ import annotations

import pytest

from casebook.report import record as records


@pytest.fixture(scope="session")
def record() -> records.Record:
    return records.load()


@pytest.fixture(scope="session")
def tight() -> records.Record:
    return records.load(stretch="tight")


@pytest.fixture(scope="session")
def loose() -> records.Record:
    return records.load(stretch="loose")
