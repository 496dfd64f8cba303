"""The rows of docs/speed.md, a file for each thing that is measured.

::

    study_of_seeds   the notebook's algorithm, many seeds     gpu_time       94, 95, 96% on a GPU
    one_run          the same, one run alone                  gpu_study      700 runs on a GPU
    fast_mlp         the notebook's best accuracy             best_accuracy  the best single model
    convnet_time     92, 94% on the CPU                       evaluation     10,000 test pictures
    instead          what others would do                     tuning         values, looked for

    start_up, memory, scaling, loop_parts     what it costs, and where the time goes
    on_disk                                   5 million pictures, in memory and not
    cluster                                   what Ray costs a study
    photos, trust                             answers for photos
    accuracy, loading, report                 the rest of the README's numbers
    serve                                     the server under load
"""

from row import Row
from rows import (
    accuracy,
    best_accuracy,
    cluster,
    convnet_time,
    evaluation,
    fast_mlp,
    gpu_study,
    gpu_time,
    instead,
    loading,
    loop_parts,
    memory,
    on_disk,
    one_run,
    photos,
    report,
    scaling,
    serve,
    start_up,
    study_of_seeds,
    trust,
    tuning,
)

ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        study_of_seeds.ROW,
        one_run.ROW,
        fast_mlp.ROW,
        *convnet_time.ROWS,
        *gpu_time.ROWS,
        gpu_study.ROW,
        *evaluation.ROWS,
        best_accuracy.ROW,
        instead.ROW,
        tuning.ROW,
        start_up.ROW,
        memory.ROW,
        *scaling.ROWS,
        *on_disk.ROWS,
        cluster.ROW,
        loop_parts.ROW,
        accuracy.ROW,
        *loading.ROWS,
        report.ROW,
        serve.ROW,
        photos.ROW,
        trust.ROW,
    )
}
