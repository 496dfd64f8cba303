"""The charts of the reports, drawn by our own hand as SVG: small, sharp, themed, in two languages.

::

    chart.py         two drawings and words, in a page or as a file
    drawing.py       marks on paper
    labels.py        words, and how much room they take
    frame.py         scales, round ticks, axes, legends
    curves.py        learning curves with seed bands
    reliability.py   is the confidence justified
    ranking.py       settings by mean accuracy, with intervals
    pareto.py        cost against accuracy
"""

from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.curves import CurveGroup, learning_curves
from fittingroom.reports.charts.pareto import pareto
from fittingroom.reports.charts.ranking import ranking
from fittingroom.reports.charts.reliability import reliability

__all__ = ["Chart", "CurveGroup", "learning_curves", "pareto", "ranking", "reliability"]
