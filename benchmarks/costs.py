"""What things cost, for the page: limits, where time goes, start-up, memory, growth."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from limits import limit_of, operations
from measuring import mean_score, spread, table, written
from results import Result
from row import MACHINE, OURS

Results = Mapping[str, Result]
Lines = list[str]

# Rows of one recipe each, which train on every training picture.
RECIPE_ROWS = {
    "fast-mlp": "fast",
    "convnet-92": "convnet-92",
    "convnet-94": "convnet-94",
    "gpu-94": "gpu-94",
    "gpu-95": "gpu-95",
    "gpu-96": "gpu-96",
    "best-accuracy": "best",
}


def limits(results: Results) -> Lines:
    """Return how far each row that trains is from what the machine could do at most."""
    measured = [result for result in results.values() if MACHINE in result.ways]
    rows = [limit_row(result) for result in measured if works(result)]
    if not rows:
        return ["Not measured."]
    head = (
        "row",
        "operations (10⁹)",
        "limit by operations",
        "by bytes",
        "measured",
        "from the limit",
    )
    lines = table(head, rows)
    for gpu in dict.fromkeys(result.machine["gpu"] for result in measured):
        there = [result for result in measured if result.machine["gpu"] == gpu]
        lines += ["", *rates(there, gpu)]
    return lines


def works(result: Result) -> bool:
    """Tell whether a row's runs said what they had to compute."""
    return all("work" in found for found in result.ways.get(OURS, [{}]))


def limit_row(result: Result) -> Sequence[str]:
    """Return a row's limits and how far from them it is, medians."""
    found, machine = result.ways[OURS][0], median_machine(result)
    limit = limit_of(found["work"], machine)
    seconds = statistics.median(result.values(OURS, "seconds"))
    return (
        result.row,
        f"{operations(found['work']) / 1e9:,.0f}",
        f"{written(limit.operations)} s",
        f"{written(limit.bytes)} s",
        f"{written(seconds)} s",
        f"{written(seconds / limit.seconds, '.2g')} times",
    )


def median_machine(result: Result) -> dict[str, float]:
    """Return the median of each rate that was measured beside a row."""
    keys = ("gflops_best", "gb_per_s")
    return {key: statistics.median(result.values(MACHINE, key)) for key in keys}


def rates(measured: Sequence[Result], gpu: str) -> Lines:
    """Return the rates that were measured beside the rows of a GPU, or of the CPU: ""."""
    turns = [found for result in measured for found in result.ways[MACHINE]]
    shapes = [key for key in turns[0] if key.startswith("gflops_") and key != "gflops_best"]
    where = f" on {gpu}, bf16" if gpu else ""
    head = (f"measured beside the rows{where}", "median (lowest to highest)")
    rows = [
        (name_of_rate(key), spread([t[key] for t in turns if key in t], ".3g", "GFLOP/s"))
        for key in shapes
    ]
    bandwidth = spread([found["gb_per_s"] for found in turns], ".3g", "GB/s")
    return table(head, [*rows, ("memory, a = b + 3 c", bandwidth)])


def name_of_rate(key: str) -> str:
    """Return what people call a measured rate."""
    name = key.removeprefix("gflops_")
    if name.startswith("conv"):
        return "convolution 3x3, 64 to 64 channels, 14x14"
    rows, inner, columns = name.split("x")
    return f"matrix product {rows}x{inner} by {inner}x{columns}"


def loop_parts(results: Results) -> Lines:
    """Return which share of the training loop's time its parts take."""
    result = results.get("loop-parts")
    if result is None:
        return ["Not measured."]
    ways = list(result.ways)
    parts = list(result.ways[ways[0]][0]["parts"])
    medians = {
        part: [statistics.median(turn["parts"][part] for turn in result.ways[way]) for way in ways]
        for part in parts
    }
    ordered = sorted(parts, key=lambda part: -max(medians[part]))
    rows = [(part, *(f"{share:.0%}" for share in medians[part])) for part in ordered]
    return table(("part", *ways), rows)


def quantity_table(results: Results, row: str, head: Sequence[str], key: str, form: str) -> Lines:
    """Return one quantity of every way of a row."""
    result = results.get(row)
    if result is None:
        return ["Not measured."]
    return table(head, [(way, spread(result.values(way, key), form)) for way in result.ways])


def start_up(results: Results) -> Lines:
    """Return how long a new process takes to its first answer."""
    return quantity_table(results, "start-up", ("call", "seconds, cold process"), "seconds", ".2f")


def memory(results: Results) -> Lines:
    """Return the peak memory of each recipe."""
    return quantity_table(results, "memory", ("recipe", "peak memory, MB"), "peak_MB", ".0f")


def accuracy(results: Results) -> Lines:
    """Return the accuracy and seconds of every recipe that was measured."""
    rows = []
    if "accuracy" in results:
        found = results["accuracy"]
        rows += [recipe_row(way, found, way) for way in found.ways]
    rows += [
        recipe_row(f"{recipe}, notebook", results[row], OURS)
        for row, recipe in RECIPE_ROWS.items()
        if row in results
    ]
    head = ("recipe, protocol", "test accuracy, mean (95% interval, seeds)", "seconds a run")
    return table(head, rows) if rows else ["Not measured."]


def recipe_row(title: str, result: Result, way: str) -> Sequence[str]:
    """Return one recipe's accuracy and seconds."""
    seconds = spread(result.values(way, "seconds"), ".3g")
    return title, mean_score(result.values(way, "accuracy")), seconds


def growth(results: Results) -> Lines:
    """Return how cost grows with pictures and with seeds, and the straight lines through it."""
    lines: Lines = []
    for row, count, key, thing, head in (
        ("scaling-images", "images", "seconds_per_epoch", "pictures", "seconds an epoch"),
        ("scaling-seeds", "seeds", "study_seconds", "seeds", "seconds of the study"),
    ):
        if row not in results:
            lines += [f"By {thing}: not measured.", ""]
            continue
        turns = [found for way in results[row].ways.values() for found in way]
        by_count: dict[int, list[float]] = {}
        for found in turns:
            by_count.setdefault(found[count], []).append(found[key])
        rows = [(f"{n:,}", spread(values, ".3g")) for n, values in by_count.items()]
        lines += [*table((thing, head), rows), "", straight_line(by_count, thing), ""]
    return lines[:-1]


def straight_line(by_count: Mapping[int, Sequence[float]], thing: str) -> str:
    """Say in words the straight line through the medians, by least squares of relative errors.

    Weighted by 1 / value, so that the few count as much as the many.
    """
    import numpy as np

    counts = np.array(list(by_count), float)
    seconds = np.array([statistics.median(values) for values in by_count.values()])
    slope, start = np.polyfit(counts, seconds, 1, w=1 / seconds)
    off = float(np.abs((start + slope * counts) / seconds - 1).max())
    unit, each = (1000, "1,000 pictures") if thing == "pictures" else (1, "seed")
    return (
        f"Seconds = {start:.3g} + {unit * slope:.3g} for each {each}; "
        f"no median is further from this line than {off:.0%}."
    )


def tuning(results: Results) -> Lines:
    """Return what each way of looking for values comes to."""
    if "tuning" not in results:
        return ["Not measured."]
    result = results["tuning"]
    head = ("way", "best validation accuracy", "its test accuracy", "trials", "epochs", "saved")
    rows = []
    for way in result.ways:
        scores = (mean_score(result.values(way, key)) for key in ("validation", "accuracy"))
        counts = (f"{statistics.mean(result.values(way, key)):.0f}" for key in head[3:])
        rows.append((way, *scores, *counts))
    lines = table(head, rows)
    ours = result.values(OURS, "accuracy")
    for way in result.ways:
        if way != OURS:
            pairs = zip(ours, result.values(way, "accuracy"), strict=False)
            ahead = mean_score([mine - theirs for mine, theirs in pairs])
            lines += ["", f"Test accuracy, {OURS} less {way}, in pairs: {ahead}."]
    return lines


def on_disk(results: Results) -> Lines:
    """Return what an epoch over more pictures than memory should hold takes."""
    rows = [
        (
            f"{result.row.removeprefix('on-disk-')}, {way}",
            spread(result.values(way, "microseconds"), ".3g"),
            peak(result, way),
        )
        for name, result in results.items()
        if name.startswith("on-disk-")
        for way in result.ways
    ]
    head = ("recipe, where the pictures are", "µs a picture", "peak memory, MB")
    return table(head, rows) if rows else ["Not measured."]


def cluster(results: Results) -> Lines:
    """Return what a cluster costs a study: once, and for every run."""
    result = results.get("cluster")
    if result is None:
        return ["Not measured."]
    rows, by_place = [], dict[str, list[tuple[int, float, float]]]()
    for way in result.ways:
        study, runs, each = (
            result.values(way, key) for key in ("study_seconds", "runs", "driver_seconds")
        )
        driver = [seconds * count for seconds, count in zip(each, runs, strict=True)]
        rows.append((way, spread(study, ".3g"), spread(driver, ".2g")))
        point = int(runs[0]), statistics.median(study), statistics.median(driver)
        by_place.setdefault(way.split(",")[0], []).append(point)
    lines = table(("where, runs", "seconds of the study", "of the driver's CPU"), rows)
    for place, ((few, *at_few), (many, *at_many)) in by_place.items():
        study_each, driver_each = (
            (more - less) / (many - few) for less, more in zip(at_few, at_many, strict=True)
        )
        line = (
            f"{place}: {at_few[0] - few * study_each:.0f} s before the first run, {study_each:.2f} "
            f"s for each, of which {driver_each:.3f} s of the driver's CPU."
        )
        lines += ["", line]
    return lines


def others(results: Results) -> Lines:
    """Return what loading and reports take."""
    lines: Lines = []
    for row, head in (
        ("loading", "reading"),
        ("loading-csv", "reading, CSV"),
        ("report", "report"),
    ):
        if row in results:
            result = results[row]
            rows = [
                (way, spread(result.values(way, "seconds"), ".3g"), peak(result, way))
                for way in result.ways
            ]
            lines += [*table((head, "seconds", "peak memory, MB"), rows), ""]
    return lines[:-1] or ["Not measured."]


def photos(results: Results) -> Lines:
    """Return what answering for photos takes."""
    return quantity_table(results, "photos", ("call", "seconds, cold process"), "seconds", ".2f")


def serving(results: Results) -> Lines:
    """Return what the server bears."""
    result = results.get("serve")
    if result is None:
        return ["Not measured."]
    keys = {"answers_a_second": ".0f", "median_ms": ".3g", "p99_ms": ".3g", "grown_MB": ".2f"}
    head = ("asked by", "answers a second", "median, ms", "99%, ms", "memory grown, MB")
    return table(
        head,
        [
            (way, *(spread(result.values(way, key), form) for key, form in keys.items()))
            for way in result.ways
        ],
    )


def trust(results: Results) -> Lines:
    """Return how far answers for photos can be believed, by recipe."""
    result = results.get("trust")
    if result is None:
        return ["Not measured."]
    rows = [
        ("photo of a test picture answered for as before, nearest", "as_before_nearest"),
        ("the same, enlarged smoothly (bicubic)", "as_before_bicubic"),
        ("expected calibration error, before", "ECE"),
        ("after", "ECE_calibrated"),
    ]
    lines = [
        (words, *(spread(result.values(way, key), ".1%") for way in result.ways))
        for words, key in rows
    ]
    first = next(iter(result.ways.values()))[0]["flagged"]
    for kind in first:
        shares = ([turn["flagged"][kind] for turn in turns] for turns in result.ways.values())
        lines.append((f"flagged: {kind}", *(spread(found, ".1%") for found in shares)))
    return table(("", *result.ways), lines)


def peak(result: Result, way: str) -> str:
    """Return a way's median peak memory."""
    return f"{statistics.median(result.values(way, 'peak_MB')):.0f}"
