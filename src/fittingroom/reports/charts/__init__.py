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
    trials.py        a mark for each trial of a tuning, and their common scale
    history.py       trials by number, and the best so far
    importance.py    how much each parameter decides
    slices.py        each parameter's values against accuracy, the learning rate's in large
    choices.py       the same of a parameter that is a choice
    front.py         trials by time and accuracy
"""

from fittingroom.reports.charts.chart import Chart
from fittingroom.reports.charts.curves import CurveGroup, learning_curves
from fittingroom.reports.charts.front import trial_front
from fittingroom.reports.charts.history import history
from fittingroom.reports.charts.importance import importance
from fittingroom.reports.charts.pareto import pareto
from fittingroom.reports.charts.ranking import ranking
from fittingroom.reports.charts.reliability import reliability
from fittingroom.reports.charts.slices import rate_slice, slices

__all__ = [
    "Chart",
    "CurveGroup",
    "history",
    "importance",
    "learning_curves",
    "pareto",
    "ranking",
    "rate_slice",
    "reliability",
    "slices",
    "trial_front",
]
