"""The rules of the house that a reader relies on, read off the source itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "fittingroom"
MODULES = sorted(SOURCE.rglob("*.py"))

# Each room, and the rooms whose work it builds upon.
ROOMS = {
    "data": set(),
    "models": set(),
    "training": {"data", "models"},
    "evaluation": {"data", "models"},
    "runs": {"data", "models", "training", "evaluation"},
    "studies": {"data", "models", "training", "evaluation", "runs"},
    "tuning": {"data", "models", "training", "evaluation", "runs", "studies"},
    "reports": {"data", "models", "training", "evaluation", "runs", "studies", "tuning"},
    "serving": {"data", "models", "evaluation", "runs", "reports"},
    "cli": {
        *("data", "models", "training", "evaluation", "runs", "studies", "tuning", "reports"),
        "serving",
    },
}

HEAVY = {
    "PIL",
    "grpc",
    "jinja2",
    "matplotlib",
    "fastapi",
    "mlflow",
    "onnx",
    "onnxruntime",
    "optuna",
    "pooch",
    "pyarrow",
    "ray",
    "requests",
    "safetensors",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "tensorboard",
    "torch",
}
TORCH_AT_THE_TOP = {"models", "training", "runs"}
# Modules of torch; an exported file is answered by without them.
TORCH_AT_THEIR_TOP = {
    SOURCE / "serving" / name for name in ("answering.py", "keeping.py", "novelty.py")
}
# It derives a class from one of Optuna's, and is imported where that is needed.
OPTUNA_AT_THE_TOP = SOURCE / "tuning" / "sampler.py"
# It is imported where a server is started, and FastAPI reads the types of its functions.
FASTAPI_AT_THE_TOP = SOURCE / "serving" / "server"


def room_of(path: Path) -> str:
    """Return the room that a module lies in; for a file that lies in none, its name."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(nodes: Iterator[ast.AST], *, types_too: bool = True) -> set[str]:
    """Return the full names of the modules that are imported."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def at_the_top(tree: ast.Module) -> Iterator[ast.AST]:
    """Go through what runs when a module is imported, but for `if TYPE_CHECKING`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


@cache
def parse(path: Path) -> ast.Module:
    """Parse one module."""
    return ast.parse(path.read_text("utf-8"), str(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_rooms_that_it_builds_upon(path: Path) -> None:
    room = room_of(path)
    if room in {"__init__", "__main__"}:
        return
    names = [name.split(".") for name in imported(ast.walk(parse(path)))]
    rooms = {parts[1] for parts in names if parts[0] == "fittingroom" and len(parts) > 1}
    assert rooms - {room, "errors", "_version"} <= ROOMS.get(room, set())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_heavy_libraries_are_imported_where_they_are_used(path: Path) -> None:
    with_torch = room_of(path) in TORCH_AT_THE_TOP or path in TORCH_AT_THEIR_TOP
    allowed = {"torch"} if with_torch else set()
    allowed |= {"optuna"} if path == OPTUNA_AT_THE_TOP else set()
    allowed |= {"fastapi"} if path.parent == FASTAPI_AT_THE_TOP else set()
    top = {name.split(".")[0] for name in imported(at_the_top(parse(path)))}
    assert top & HEAVY <= allowed
    if room_of(path) in {"cli", "__init__", "__main__"}:
        assert "numpy" not in top


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_is_pickled_or_evaluated(path: Path) -> None:
    tree = parse(path)
    roots = {name.split(".")[0] for name in imported(ast.walk(tree))}
    assert roots.isdisjoint(
        {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
    )
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert calls.isdisjoint({"torch.load", "torch.save", "eval", "exec", "np.fromfile"})
    if "np.load" in calls:
        assert "allow_pickle=True" not in ast.unparse(tree)


def test_data_never_needs_torch() -> None:
    for path in (SOURCE / "data").rglob("*.py"):
        roots = {name.split(".")[0] for name in imported(ast.walk(parse(path)))}
        assert "torch" not in roots, path


@pytest.mark.parametrize(
    ("library", "place"),
    [
        ("ray", "studies/cluster"),
        ("grpc", "studies/cluster"),
        ("optuna", "tuning"),
        ("sqlalchemy", "tuning"),
        ("mlflow", "runs/tracking"),
        ("tensorboard", "runs/tracking"),
        ("onnx", "serving"),
        ("onnxruntime", "serving"),
        ("fastapi", "serving/server"),
        ("prometheus_client", "serving/server"),
        ("starlette", "serving/server"),
        ("uvicorn", "serving/server"),
    ],
)
def test_one_room_alone_knows_a_library_that_can_be_done_without(library: str, place: str) -> None:
    roots = {path: {n.split(".")[0] for n in imported(ast.walk(parse(path)))} for path in MODULES}
    knowing = [path for path in MODULES if library in roots[path]]
    assert knowing
    assert [path for path in knowing if SOURCE / place not in path.parents] == []


def test_every_room_is_in_the_order_and_no_file_is_a_drawer_for_odds_and_ends() -> None:
    folders = {path.parent.relative_to(SOURCE).parts[0] for path in SOURCE.glob("*/__init__.py")}
    assert folders == set(ROOMS)
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}
    assert [path for path in MODULES if path.stem in drawers or path.parent.name in drawers] == []


# Each compares what a whole room comes to with somebody else's way to it.
OF_WHOLE_ROOMS = (
    "data/test_raw_bytes",
    "evaluation/figures/test_drawn",
    "evaluation/test_properties",
    "training/test_reference",
)


def test_tests_lie_where_the_modules_lie() -> None:
    tests = Path(__file__).parent
    for path in tests.glob("*/**/test_*.py"):
        place = path.relative_to(tests).parent
        whole = (place / path.stem).as_posix() in OF_WHOLE_ROOMS
        if place.parts[0] not in ROOMS or whole:
            continue
        name = path.stem.removeprefix("test_")
        places = [SOURCE / place / f"{name}.py", SOURCE / place / name / "__init__.py"]
        assert any(module.is_file() for module in places), f"{path}: tests no module of that name"
