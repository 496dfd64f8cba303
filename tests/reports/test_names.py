from __future__ import annotations

from fittingroom.reports.names import InARow, Listed, quoted
from fittingroom.reports.particles import with_particle
from fittingroom.reports.texts import say
from fittingroom.studies.plan import Words

NAMES = [Words(en="a, 1", ko="가, 1"), "b", "c"]


def test_names_stand_in_quotation_marks_since_they_hold_commas() -> None:
    assert Listed(NAMES).of("en") == "“a, 1”, “b” and “c”"
    assert Listed(NAMES[:2], "or").of("en") == "“a, 1” or “b”"
    assert quoted("b").of("en") == "“b”"
    korean = Listed(NAMES[:2]).of("ko").replace("\N{WORD JOINER}", "")
    marks = "\N{LEFT SINGLE QUOTATION MARK}", "\N{RIGHT SINGLE QUOTATION MARK}"
    assert korean == "{0}가, 1{1}, {0}b{1}".format(*marks)
    assert Listed([]).of("en") == ""


def test_a_particle_fits_the_name_within_the_marks() -> None:
    assert with_particle(quoted("15에포크").of("ko"), "을/를").endswith("를")
    assert with_particle(quoted("128층").of("ko"), "을/를").endswith("을")


def test_labels_of_every_kind_stand_in_a_row() -> None:
    labels = InARow([Words(en="coat", ko="코트"), say("tuning.fields.lr"), "hidden"])
    assert labels.of("en") == "coat, learning rate and hidden"
    assert labels.of("ko") == "코트, 학습률, hidden"
