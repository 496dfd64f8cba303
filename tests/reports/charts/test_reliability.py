from __future__ import annotations

import numpy as np
from tests.reports.charts.conftest import Read

from fittingroom.evaluation.metrics import Calibration
from fittingroom.reports.charts import reliability

CALIBRATION = Calibration(
    confidence=np.array([0.0, 0.45, 0.95]),
    accuracy=np.array([0.0, 0.60, 0.85]),
    count=np.array([0, 200, 1_800]),
)


def test_each_filled_bin_has_its_numbers(read: Read) -> None:
    _, words = read(reliability(CALIBRATION))
    assert "confidence 45.0%, accuracy 60.0%, 200 pictures" in words
    assert "confidence 95.0%, accuracy 85.0%, 1,800 pictures" in words
    assert "confidence 0.0%" not in words
    assert "10.50%" in words  # (0.15 * 200 + 0.10 * 1800) / 2000


def test_it_is_said_in_korean_too(read: Read) -> None:
    _, words = read(reliability(CALIBRATION), "ko")
    assert "확신도 45.0%, 정확도 60.0%, 이미지 200장" in words
