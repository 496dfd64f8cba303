"""What the charts' tests read their drawings with."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from fittingroom.reports.charts import Chart
from fittingroom.reports.texts import Texts

Read = Callable[..., tuple[ET.Element, str]]


def parse(text: str) -> ET.Element:
    """Read a drawing of ours, which has to be well-formed."""
    return ET.fromstring(text)  # noqa: S314 - it comes from nowhere else


@pytest.fixture
def read() -> Read:
    """Write a chart as a file, and return its elements and all its words."""

    def file(chart: Chart, language: str = "en") -> tuple[ET.Element, str]:
        root = parse(chart.file(Texts(), language))
        return root, "\n".join(root.itertext())

    return file
