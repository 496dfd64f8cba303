"""Sewing patterns: from a garment's measures to its parts.

Four patterns dress all ten classes. Each takes the measures of N garments, arrays of shape (N,),
and returns the garments' parts in the order in which they are laid on one another. Coordinates
are (x, y) with y downwards, in units of about a shirt's length, half a shoe's length or a bag's
width; `canvas.pose` brings every garment to the size of the picture.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fittingroom.data.sketches.outlines import (
    Array,
    Part,
    Point,
    box,
    given,
    mirrored,
    outline,
    squares,
    stroke,
    symmetric,
    together,
)

Measures = Mapping[str, Array]

WAIST = 0.56  # height of the waist of everything with a torso, from the neck downwards


def top(m: Measures) -> list[Part]:
    """Lay out a garment with a torso: T-shirt, pullover, shirt, coat or dress."""
    return [*_torso(m), *_sleeves(m), *_trimmings(m), *_front(m)]


def _neckline(m: Measures) -> list[Point]:
    """Trace the right half from the shoulder to the middle: V-shaped at `round` 0, a U at 1."""
    neck, depth, curve = m["neck"], m["depth"], m["round"]
    return [
        (neck, 0.0),
        (neck * (0.85 + 0.15 * curve), depth * (0.2 + 0.35 * curve)),
        (neck * (0.45 + 0.2 * curve), depth * (0.55 + 0.35 * curve)),
        (0.0, depth),
    ]


def _torso(m: Measures) -> list[Part]:
    neck, depth, hood = m["neck"], m["depth"], m["hood"]
    waist, hem, length, bottom = m["waist"], m["hem"], m["length"], m["length"] - m["tail"]
    body = symmetric(
        *reversed(_neckline(m)),
        (m["shoulder"], m["slope"]),
        (m["chest"], m["armpit"]),
        (waist, WAIST),
        (waist + (hem - waist) * 0.5, WAIST + (length - WAIST) * 0.45),
        (hem, bottom),
        (0.0, length),
    )
    back = symmetric((0.0, -0.02), (neck, -0.02), (neck, 0.03), (0.0, depth))
    cowl = symmetric((0.0, -hood), (neck, -0.8 * hood), (neck + 0.08, 0.02), (0.0, depth + 0.1))
    opening = symmetric((0.0, -0.5 * hood), (0.5 * neck, -0.3 * hood), (0.0, depth + 0.05))
    return [
        Part(back, m["back"], 0.6),
        Part(cowl, given(hood), 0.9),
        Part(body),
        Part(opening, given(hood), 0.5),
    ]


def _sleeves(m: Measures) -> list[Part]:
    """Hang sleeves that run `spread` outwards per unit downwards, below the elbow `bend` less."""
    sleeve, spread, cuff, slope = m["sleeve"], m["spread"], m["cuff"], m["slope"]
    rise = 0.6 * cuff * spread
    elbow_x, elbow_y = m["shoulder"] + 0.5 * sleeve * spread, slope + 0.5 * sleeve
    hand_x, hand_y = elbow_x + 0.5 * sleeve * (spread - m["bend"]), elbow_y + 0.5 * sleeve
    inside: list[Point] = [
        (hand_x - cuff, hand_y + rise),
        (elbow_x - 0.5 * (m["sleeve_width"] + cuff), elbow_y + rise),
        (
            np.minimum(m["chest"] - 0.01, m["shoulder"]),
            np.minimum(m["armpit"], slope + 0.9 * sleeve),
        ),
    ]
    both = mirrored(
        outline(
            (m["shoulder"] - 0.04, slope),
            (m["shoulder"] + 0.03, slope + 0.04),
            (elbow_x + 0.02, elbow_y),
            (hand_x, hand_y),
            *inside,
        )
    )
    wrist = stroke(0.05, (hand_x, hand_y - 0.02), (hand_x - cuff, hand_y + rise - 0.02))
    shadow = stroke(0.03, *inside)
    return [
        Part(both, given(sleeve), m["sleeve_tone"]),
        Part(mirrored(shadow), given(sleeve) * m["shadow"], 0.35),
        Part(mirrored(wrist), given(sleeve) * m["ribs"], 0.7),
    ]


def _trimmings(m: Measures) -> list[Part]:
    bottom, size, shelf = m["length"] - 0.03, m["print"], m["pocket_y"]
    ribs = stroke(0.06, (0.0, bottom), (m["hem"], bottom - m["tail"]))
    motif = together(
        box(-0.35 * size, 0.3, 0.35 * size, 0.3 + 0.6 * size),
        box(-0.5 * size, 0.34 + 0.6 * size, 0.5 * size, 0.36 + 0.75 * size),
    )
    return [
        Part(mirrored(ribs), m["ribs"], 0.7),
        Part(mirrored(stroke(0.04, *_neckline(m))), m["rim"], 0.7),
        Part(motif, given(size), m["contrast"]),
        Part(mirrored(box(0.05, shelf, 0.17, shelf + 0.12)), m["pockets"], 0.75),
        Part(mirrored(stroke(0.06, (0.0, WAIST), (m["waist"], WAIST))), m["belt"], m["contrast"]),
    ]


def _front(m: Measures) -> list[Part]:
    """Open the front over the share `opening` of its length, and lay the collar on it."""
    neck, depth, collar = m["neck"], m["depth"], m["collar"]
    end = depth + (m["length"] - depth) * np.minimum(m["opening"], 1.0)
    lapel = outline(
        (0.7 * neck, -0.5 * collar),
        (neck + 0.4 * collar, 0.1 * collar),
        (0.5 * neck + 0.5 * collar, 0.6 * depth + collar),
        (0.0, depth + 0.2 * collar),
    )
    buttons = squares(5, 0.04, (0.02, depth + 0.06), (0.02, end - 0.05))
    return [
        Part(stroke(m["placket"], (0.0, depth), (0.0, end)), given(m["opening"]), m["line"]),
        Part(buttons, m["buttons"], 1.9 - 1.3 * m["line"]),
        Part(mirrored(lapel), given(collar), m["collar_tone"]),
    ]


def trousers(m: Measures) -> list[Part]:
    """Lay out two legs that hang from a waistband, `gap` apart at the hem."""
    waist, hip, crotch, length, gap = m["waist"], m["hip"], m["crotch"], m["length"], m["gap"]
    knee_y = crotch + 0.45 * (length - crotch)
    inner, outer = 0.45 * gap, 0.45 * gap + m["knee"]
    leg = outline(
        (0.0, 0.0),
        (waist, 0.0),
        (hip, 0.8 * crotch),
        (outer, knee_y),
        (gap + m["hem"], length),
        (gap, length),
        (inner, knee_y),
        (0.005, crotch),
    )
    crease = stroke(
        0.025, (0.55 * waist, 0.1), ((inner + outer) / 2, knee_y), (gap + 0.5 * m["hem"], length)
    )
    return [
        Part(mirrored(leg)),
        Part(mirrored(stroke(0.05, (0.0, 0.02), (waist, 0.02))), m["waistband"], 0.7),
        Part(mirrored(crease), m["crease"], m["line"]),
        Part(mirrored(stroke(0.025, (0.5 * waist, 0.05), (0.95 * hip, 0.16))), m["pockets"], 0.6),
        Part(stroke(0.02, (0.0, 0.05), (0.0, crotch)), m["fly"], 0.6),
        Part(mirrored(stroke(0.03, (inner, knee_y), (outer, knee_y))), m["knee_seam"], 0.7),
    ]


def shoe(m: Measures) -> list[Part]:
    """Lay out a shoe seen from its side, toe to the left: sneaker, sandal or ankle boot."""
    return [*_sole(m), *_upper(m), *_straps(m)]


def _bed(m: Measures) -> list[Point]:
    """Trace what the foot stands on, from toe to heel; the ground is y = 0."""
    sole, heel = m["sole"], m["heel"]
    return [(-0.97, -sole), (-0.3, -sole), (0.25, -sole - 0.7 * heel), (1.0, -sole - heel)]


def _sole(m: Measures) -> list[Part]:
    sole, heel, thick = m["sole"], m["heel"], m["heel_width"]
    under: list[Point] = [(1.0, -heel), (0.25, -0.7 * heel), (-0.3, 0.0), (-0.9, 0.0)]
    tip = m["pin"] * thick
    block = outline(
        (1.0 - thick, -sole - 0.8 * heel),
        (1.0, -sole - heel),
        (1.0 - tip, 0.0),
        (1.0 - thick + 0.5 * tip, 0.0),
    )
    return [
        Part(outline(*under, (1.0, 0.0)), m["wedge"], m["sole_tone"]),
        Part(block, given(heel), m["sole_tone"]),
        Part(outline(*_bed(m), *under), 1.0, m["sole_tone"]),
    ]


def _upper(m: Measures) -> list[Part]:
    sole, heel, toe, instep, mouth = m["sole"], m["heel"], m["toe"], m["instep"], m["mouth"]
    bed, ball, rim, back = -sole - heel, -sole - toe, -sole - heel - m["shaft"], 1.0 + m["lean"]
    throat, lacing = back - mouth, ball - 0.5 * heel - 0.5 * instep
    upper = outline(
        *reversed(_bed(m)),
        (-1.0, -sole - 0.5 * toe),
        (-0.88, ball),
        (-0.5, ball - 0.1 * instep),
        (0.6 * throat - 0.2, ball - 0.5 * heel - 0.55 * instep),
        (throat - 0.08, np.minimum(ball - 0.8 * heel - instep, rim + 0.3)),
        (throat, rim),
        (throat + 0.5 * mouth, rim + m["drop"]),
        (back, rim),
        (0.95, bed - 0.4),
    )
    counter = outline((0.55, bed), (0.62, rim + 0.1), (back, rim), (1.0, bed))
    cap = outline((-1.0, -sole), (-1.0, -sole - 0.6 * toe), (-0.7, ball), (-0.5, -sole))
    laces = together(
        *(
            stroke(0.07, (x - 0.12, lacing + y - 0.02), (x + 0.13, lacing + y + 0.14))
            for x, y in ((-0.25, 0.13), (-0.08, 0.04), (0.09, -0.06))
        )
    )
    side, slant = -sole - 0.6 * heel - 0.2, m["mark_slant"]
    marks = together(
        *(stroke(0.07, (x, side + 0.14), (x + slant, side - 0.14)) for x in (-0.1, 0.1, 0.3))
    )
    windows = together(
        *(
            outline((x, y), (x + 0.25, y - 0.12), (x + 0.3, y + 0.08), (x + 0.1, y + 0.16))
            for x, y in ((-0.62, -sole - 0.8 * toe), (-0.2, ball - 0.5 * heel), (0.3, bed - 0.35))
        )
    )
    return [
        Part(upper, m["upper"]),
        Part(counter, m["counter"], m["contrast"]),
        Part(cap, m["cap"], m["contrast"]),
        Part(stroke(0.12, (throat, rim + 0.05), (back, rim + 0.05)), m["fur"], 1.25),
        Part(stroke(0.05, (0.5, bed - 0.05), (0.5 + m["lean"], rim)), m["zip"], 0.5),
        Part(laces, m["laces"], m["contrast"]),
        Part(marks, m["marks"], m["contrast"]),
        Part(windows, m["windows"], 0.0),
    ]


def _straps(m: Measures) -> list[Part]:
    """Tie the foot to the sole: over the toes, along the foot, round ankle and heel."""
    sole, heel, arch, width, tone = m["sole"], m["heel"], m["arch"], m["strap"], m["strap_tone"]
    bed = -sole - heel
    vamp = (-0.35, -sole - 0.1 * heel - 0.45 * arch)
    ankle = (0.35, -sole - 0.85 * heel - arch)
    back = (0.95, bed - 0.9 * arch)
    over = (m["cross"], -sole - 0.2 * heel)
    band = outline((-0.85, -sole), (-0.6, -sole - 0.35 * arch), vamp, over)
    toes = together(stroke(1.5 * width, (-0.72, -sole), vamp), stroke(width, over, vamp))
    quarter = outline((0.5, bed + 0.15 * heel), (0.72, bed - 0.5 * arch), back, (1.0, bed))
    return [
        Part(band, m["band"], tone),
        Part(toes, m["toe_straps"], tone),
        Part(stroke(width, vamp, ankle), m["t_strap"], tone),
        Part(stroke(width, ankle, back, (1.0, bed)), m["ankle_strap"], tone),
        Part(stroke(width, vamp, (0.4, bed - 0.4 * arch), back), m["sling"], tone),
        Part(quarter, m["quarter"], tone),
    ]


def bag(m: Measures) -> list[Part]:
    """Lay out a bag: a body between box and ellipse, with handle, flap and clasp."""
    height, taper, edge = m["height"], m["taper"], 0.5 * (1.0 - m["taper"])
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    # Rounded, or a sine of 1e-16 would become large under the small exponents below.
    ring = np.round(np.stack([np.cos(angles), np.sin(angles)], axis=1), 12).tolist()
    # A superellipse: its corners grow rounder as the exponent goes from 0 to 1.
    body = outline(
        *(
            (
                0.5 * np.sign(c) * abs(c) ** m["corner"] * (1.0 + taper * s),
                0.5 * height * (1.0 + np.sign(s) * abs(s) ** m["corner"]),
            )
            for c, s in ring
        )
    )
    handle: list[Point] = [(m["grip"] * c, 0.06 - m["reach"] * s) for c, s in ring[:13]]
    rear: list[Point] = [(0.85 * x, y + 0.07) for x, y in handle]
    sling = stroke(
        m["handle"],
        (edge, 0.05),
        (edge + m["sling"], 0.35 * height),
        (edge + 0.3 * m["sling"], 0.9 * height),
    )
    tip, side = m["flap"] * height, 0.95 * edge
    flap = symmetric((0.0, 0.02), (side, 0.02), (side, 0.7 * tip), (0.0, tip))
    middle = (0.0, 0.5 * height)
    return [
        Part(stroke(m["handle"], *handle), given(m["reach"]), m["strap_tone"]),
        Part(stroke(m["handle"], *rear), given(m["reach"]) * m["second"], 0.7),
        Part(mirrored(sling), given(m["sling"]), m["strap_tone"]),
        Part(body),
        Part(flap, given(m["flap"]), m["flap_tone"]),
        Part(mirrored(stroke(0.03, (side, 0.7 * tip), (0.0, tip))), given(m["flap"]), 0.5),
        Part(stroke(0.035, (-0.9 * edge, 0.1), (0.9 * edge, 0.1)), m["zip"], 0.5),
        Part(mirrored(stroke(0.05, (0.25, 0.0), (0.25, height))), m["belts"], m["contrast"]),
        Part(squares(1, m["clasp"], middle, middle), given(m["clasp"]), m["contrast"]),
    ]
