"""Every error that fittingroom raises on purpose.

::

    FittingroomError
    ├── DataError            a data set that cannot be read or does not make sense
    │   └── DownloadError    a file that could not be fetched, or not the right one
    ├── RecipeError          an unknown field, name or a value out of range
    ├── ModelError           an unknown network, or one that does not fit the data or the file
    ├── DeviceError          a device or precision that is not there, or too little memory
    ├── DivergenceError      a loss that is no longer a number
    ├── ExportError          a model that cannot be exported, or an export that cannot be used
    ├── PhotoError           a photo that cannot become a picture of the kind a model knows
    ├── ProcessError         one of the processes that share a run ended, or does not match
    ├── RunError             a run folder that is missing, unfinished, damaged or not writable
    ├── StudyError           a study that makes no sense, or a damaged study folder
    ├── TrackingError        a tracker that is unknown or not installed
    └── TuningError          a tuning that makes no sense, a damaged folder, a storage that fails

Each message is one line: what was expected, what was found, where, and what to do next.
The command line prints it and exits with code 2.
"""


class FittingroomError(Exception):
    """The root: catch this to catch every error that fittingroom raises on purpose."""


class DataError(FittingroomError):
    """A data set that cannot be read or does not make sense."""


class DownloadError(DataError):
    """A file that could not be fetched, or whose content is not the expected one."""


class RecipeError(FittingroomError, ValueError):
    """An unknown recipe or field, or a value that makes no sense."""


class ModelError(FittingroomError):
    """An unknown network, or one that does not fit the data or the file."""


class DeviceError(FittingroomError):
    """A device or precision that is not available, or that has too little memory."""


class DivergenceError(FittingroomError):
    """The loss became NaN or infinite."""


class ExportError(FittingroomError):
    """A model that cannot be exported, or an exported file that cannot be used."""


class PhotoError(FittingroomError):
    """A photo that is not there, or cannot become a picture of the kind that a model knows."""


class ProcessError(FittingroomError):
    """One of the processes that share a run ended before its end, or is at something else."""


class RunError(FittingroomError):
    """A run folder that is missing, unfinished, damaged or cannot be written."""


class StudyError(FittingroomError):
    """A study that makes no sense, or a study folder that is missing or damaged."""


class TrackingError(FittingroomError):
    """A tracker that is unknown or not installed; one that fails is only warned of."""


class TuningError(FittingroomError):
    """A tuning that makes no sense, a damaged tuning folder, or a storage that cannot be used."""
