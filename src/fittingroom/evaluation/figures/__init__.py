"""Pictures of an evaluation, each function returns a matplotlib `Figure`; `save` writes it.

The map of the folder::

    heatmap.py   the confusion matrix
    curves.py    learning curves
    ranking.py   the settings of a study by accuracy
    trials.py    the trials of a tuning
    sheets.py    a single picture, samples of each class, the most confident mistakes
    style.py     colours, sizes, headers, and how a figure becomes PNG and SVG
    fonts.py     fonts that have the letters that are needed

No pyplot, so no window and no state: the caller's matplotlib settings stay as they are.
"""

from fittingroom.evaluation.figures.curves import EpochRecord, learning_curves
from fittingroom.evaluation.figures.fonts import FontWarning
from fittingroom.evaluation.figures.heatmap import confusion_heatmap
from fittingroom.evaluation.figures.ranking import SettingScores, settings_ranking
from fittingroom.evaluation.figures.sheets import mistakes_sheet, samples_sheet, single_image
from fittingroom.evaluation.figures.style import save
from fittingroom.evaluation.figures.trials import TrialRecord, trial_history

__all__ = [
    "EpochRecord",
    "FontWarning",
    "SettingScores",
    "TrialRecord",
    "confusion_heatmap",
    "learning_curves",
    "mistakes_sheet",
    "samples_sheet",
    "save",
    "settings_ranking",
    "single_image",
    "trial_history",
]
