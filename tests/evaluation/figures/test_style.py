from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

from fittingroom.errors import RunError
from fittingroom.evaluation.figures import confusion_heatmap, save
from fittingroom.evaluation.figures.style import DPI, Header, write


def test_a_figure_becomes_a_png_and_an_svg(tmp_path: Path, build: Any) -> None:
    figure = confusion_heatmap(build())
    png, svg = save(figure, tmp_path / "new folder" / "run.v1")
    assert (png.name, svg.name) == ("run.v1.png", "run.v1.svg")
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    assert (width, height) == pytest.approx(figure.get_size_inches() * DPI, abs=1)
    assert sorted(path.name for path in png.parent.iterdir()) == [png.name, svg.name]


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.PNG", b"\x89PNG\r\n\x1a\n"), ("a.svg", b"<?xml"), ("a.v1.pdf", b"%PDF-")],
)
def test_one_file_is_of_the_kind_that_its_name_ends_in(
    tmp_path: Path, name: str, start: bytes, build: Any
) -> None:
    write(confusion_heatmap(build()), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_svg_needs_no_fonts_and_holds_no_date(tmp_path: Path, build: Any) -> None:
    _, svg = save(confusion_heatmap(build()), tmp_path / "figure")
    content = svg.read_text(encoding="utf-8")
    assert "<text" not in content
    assert "<dc:date>" not in content


def test_the_same_figure_is_the_same_files(tmp_path: Path, build: Any) -> None:
    for name in ("a", "b"):
        save(confusion_heatmap(build()), tmp_path / name)
    for ending in ("png", "svg"):
        first, second = (tmp_path / f"{name}.{ending}" for name in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_settings_of_the_caller_neither_change_nor_matter(tmp_path: Path, build: Any) -> None:
    save(confusion_heatmap(build()), tmp_path / "a")
    theirs: dict[Any, Any] = {
        "axes.facecolor": "black",
        "font.size": 30.0,
        "axes.grid": True,
        "text.color": "red",
    }
    with mpl.rc_context(theirs):
        before = dict(mpl.rcParams)
        save(confusion_heatmap(build()), tmp_path / "b")
        assert dict(mpl.rcParams) == before
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path, build: Any) -> None:
    (tmp_path / "figure.svg").mkdir()
    with pytest.raises(RunError, match=r"cannot write the figure .*figure\.svg: "):
        save(confusion_heatmap(build()), tmp_path / "figure")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "figure.svg"]


def test_folders_that_are_not_there_are_made(tmp_path: Path, build: Any) -> None:
    for _ in range(2):
        png, svg = save(confusion_heatmap(build()), tmp_path / "그림" / "all" / "confusion")
        assert png.is_file()
        assert svg.is_file()


def test_a_file_that_is_there_stays_whole_until_it_is_replaced(
    tmp_path: Path, build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "figure.png").write_bytes(b"old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(RunError, match="No space left on device"):
        save(confusion_heatmap(build()), tmp_path / "figure")
    monkeypatch.undo()
    assert (tmp_path / "figure.png").read_bytes() == b"old"


def test_header_breaks_what_is_too_long_for_the_figure() -> None:
    short = Header.fit("Heading", "caption", "", 6.4)
    long = Header.fit("Heading", "a long caption " * 20, "note", 6.4)
    assert len(long.caption) > len(short.caption) == 1
    assert long.height > short.height


def test_neither_pyplot_nor_a_heavy_import_is_needed_before_the_first_figure() -> None:
    heavy = ("matplotlib", "torch", "sklearn", "scipy", "PIL")
    code = f"import sys, fittingroom.evaluation.figures; print(set({heavy}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_drawing_never_imports_pyplot(tmp_path: Path) -> None:
    code = f"""
import sys, numpy as np
from fittingroom.evaluation import Evaluation, figures
evaluation = Evaluation.from_predictions([0, 1], np.eye(2), ("a", "b"), data_name="pets",
                                         fingerprint="", split="test", sketches=False)
figures.save(figures.confusion_heatmap(evaluation), {str(tmp_path / "figure")!r})
print("matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_figure_shows_itself_in_jupyter_as_what_is_saved(tmp_path: Path, build: Any) -> None:
    from IPython.core.formatters import DisplayFormatter

    figure = confusion_heatmap(build())
    formatter: Any = DisplayFormatter()
    data, metadata = formatter.format(figure)
    png, _ = save(figure, tmp_path / "figure")
    assert data["image/png"] == png.read_bytes()
    width, height = figure.get_size_inches()
    assert metadata["image/png"] == {"width": round(96 * width), "height": round(96 * height)}
