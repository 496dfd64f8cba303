"""The wardrobe: in which styles each class is drawn, and the measures of each style.

Classes overlap as they do in Fashion-MNIST: everything with a torso is one pattern, and T-shirts,
pullovers, shirts and coats differ only in the length of their sleeves, their opening and their
collar. How hard the sketches are to tell apart is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fittingroom.data.sketches.outlines import Part
from fittingroom.data.sketches.patterns import Measures, bag, shoe, top, trousers

Span = tuple[float, float] | tuple[float, float, float]
Spans = dict[str, Span]


@dataclass(frozen=True)
class Style:
    """One way to make a garment.

    Parameters
    ----------
    share
        How often the style is drawn, relative to the other styles of its class.
    pattern
        The function that lays out the garment.
    spans
        For each measure (low, high), between which it is drawn evenly; or (low, high, part):
        only this part of the garments has it, for the others it is 0.
    """

    share: float
    pattern: Callable[[Measures], list[Part]]
    spans: Spans


# fmt: off

POSE: Spans = {  # shifts in pixels, angles in radians
    "size": (0.92, 1.04), "shift_x": (-1.3, 1.3), "shift_y": (-1.1, 1.1), "tilt": (-0.09, 0.09),
    "shear": (-0.05, 0.05), "stretch": (0.88, 1.12), "sway": (0, 0.015), "phase": (0, 6.28),
}
FABRIC: Spans = {
    "brightness": (0.33, 1.05), "light_x": (-0.25, 0.25), "light_y": (-0.25, 0.25),
    "rounding": (-0.15, 0.25), "fold": (0, 0.2), "fold_pitch": (0.5, 3), "fold_lean": (-1, 1),
    "grain": (0.01, 0.07), "stripes": (0.05, 0.3, 0.16), "posts": (0.05, 0.3, 0.14),
    "blotches": (0.05, 0.35, 0.16), "pitch": (1.5, 5), "bias": (-0.1, 0.1), "duty": (-0.5, 0.5),
    "contrast": (0.3, 1.7),
}

SHORT_SLEEVES: Spans = {
    "sleeve": (0.18, 0.32), "sleeve_width": (0.12, 0.16), "cuff": (0.1, 0.14),
    "spread": (0.4, 0.9), "bend": (0, 0.1),
}
LONG_SLEEVES: Spans = {
    "sleeve": (0.6, 0.85), "sleeve_width": (0.1, 0.14), "cuff": (0.06, 0.1),
    "spread": (0.06, 0.25), "bend": (-0.02, 0.12),
}
NO_SLEEVES: Spans = {
    "sleeve": (0, 0), "shoulder": (0.15, 0.22), "neck": (0.09, 0.14), "depth": (0.08, 0.22),
    "armpit": (0.26, 0.34), "chest": (0.2, 0.27),
}
SHORT: Spans = POSE | FABRIC | SHORT_SLEEVES | {
    "neck": (0.08, 0.15), "depth": (0.03, 0.12), "round": (0, 1), "back": (0.3, 1, 0.5),
    "shoulder": (0.24, 0.3), "slope": (0.05, 0.1), "armpit": (0.26, 0.32), "chest": (0.24, 0.3),
    "waist": (0.22, 0.3), "hem": (0.24, 0.32), "length": (0.9, 1.05), "tail": (-0.02, 0.05),
    "sleeve_tone": (0.85, 1.1), "shadow": (0.2, 1, 0.7), "ribs": (0.2, 1, 0.3),
    "rim": (0.2, 1, 0.6), "collar": (0, 0), "collar_tone": (0.6, 1.25), "hood": (0, 0),
    "opening": (0, 0), "placket": (0.02, 0.045), "line": (0.4, 0.9), "buttons": (0, 0),
    "pockets": (0, 0), "pocket_y": (0.3, 0.36), "belt": (0, 0), "print": (0, 0),
}
LONG: Spans = SHORT | LONG_SLEEVES
BARE: Spans = SHORT | NO_SLEEVES

PRINTED: Spans = {"print": (0.1, 0.3, 0.45)}
RIBBED: Spans = {"ribs": (0.2, 1, 0.7)}
HOODED: Spans = {"hood": (0.05, 0.12)}
HALF_OPEN: Spans = {"opening": (0.2, 0.4), "collar": (0.04, 0.1)}
BUTTONED: Spans = {
    "opening": (0.9, 1.2), "buttons": (0.5, 1, 0.85), "line": (0.4, 0.82),
    "collar": (0.05, 0.12, 0.85), "tail": (0, 0.07), "pockets": (0.2, 1, 0.4),
}
COATED: Spans = {
    "brightness": (0.5, 1.08), "length": (0.94, 1.25), "chest": (0.26, 0.32),
    "opening": (1, 1.1), "placket": (0.03, 0.05), "line": (0.25, 0.75),
    "collar": (0.06, 0.16, 0.7), "hood": (0.05, 0.12, 0.25), "pockets": (0.2, 1, 0.6),
    "pocket_y": (0.55, 0.65),
}
SKIRTED: Spans = {
    "brightness": (0.45, 1.08), "length": (1.3, 2.1), "hem": (0.22, 0.52), "waist": (0.17, 0.24),
    "belt": (0.3, 1, 0.45),
}

LEGS: Spans = POSE | FABRIC | {
    "brightness": (0.55, 1.08),
    "waist": (0.13, 0.18), "hip": (0.16, 0.22), "crotch": (0.22, 0.32), "length": (0.95, 1),
    "gap": (0.01, 0.08), "knee": (0.09, 0.15), "hem": (0.07, 0.14), "waistband": (0.3, 1, 0.7),
    "crease": (0.2, 0.8, 0.5), "line": (0.6, 1.4), "pockets": (0.3, 1, 0.5),
    "fly": (0.3, 1, 0.7), "knee_seam": (0.2, 0.6, 0.2),
}
WIDE: Spans = {"gap": (0, 0.01), "knee": (0.14, 0.18), "hem": (0.12, 0.2)}

LEATHER: Spans = {
    "stripes": (0.05, 0.2, 0.05), "posts": (0.05, 0.2, 0.05), "blotches": (0.05, 0.3, 0.08),
}
LOW: Spans = POSE | FABRIC | LEATHER | {
    "sole": (0.08, 0.2), "sole_tone": (0.3, 1.5), "wedge": (0, 0), "heel": (0, 0.08),
    "heel_width": (0.3, 0.5), "pin": (0, 0.2), "upper": (1, 1), "toe": (0.22, 0.38),
    "instep": (0.2, 0.4), "shaft": (0.5, 0.8), "lean": (-0.05, 0.02), "mouth": (0.55, 0.75),
    "drop": (0.02, 0.12), "counter": (0.3, 1, 0.5), "cap": (0.3, 1, 0.5), "fur": (0, 0),
    "zip": (0, 0), "laces": (0.4, 1, 0.8), "marks": (0.4, 1, 0.6), "mark_slant": (-0.3, 0.3),
    "windows": (0, 0), "strap": (0.09, 0.18), "strap_tone": (0.7, 1.2), "arch": (0.4, 0.62),
    "cross": (-0.25, 0.15), "band": (0, 0), "toe_straps": (0, 0), "t_strap": (0, 0),
    "ankle_strap": (0, 0), "sling": (0, 0), "quarter": (0, 0),
}
HIGH_TOP: Spans = {"shaft": (0.7, 0.95)}
BOOT: Spans = LOW | {
    "brightness": (0.55, 1.08),
    "sole": (0.05, 0.15), "sole_tone": (0.3, 1.1), "heel": (0, 0.3), "instep": (0.2, 0.45),
    "shaft": (0.85, 1.5), "mouth": (0.62, 0.8), "counter": (0.2, 0.6, 0.3),
    "cap": (0.2, 0.6, 0.2), "fur": (0.5, 1, 0.2), "zip": (0.3, 1, 0.3), "laces": (0.3, 1, 0.4),
    "marks": (0.2, 0.6, 0.2),
}
BLOCK_HEELED: Spans = {"heel": (0.3, 0.7), "heel_width": (0.2, 0.4), "pin": (0.1, 0.5)}
STRAPPY: Spans = LOW | {
    "brightness": (0.5, 1.15), "sole": (0.06, 0.16), "sole_tone": (0.5, 1.2),
    "wedge": (1, 1, 0.4), "upper": (0, 0), "counter": (0, 0), "cap": (0, 0), "laces": (0, 0),
    "marks": (0, 0), "band": (1, 1, 0.5), "toe_straps": (1, 1), "t_strap": (1, 1, 0.5),
    "ankle_strap": (1, 1, 0.8), "sling": (1, 1, 0.3), "quarter": (1, 1, 0.5),
}
HIGH_HEELED: Spans = {"heel": (0.3, 0.9), "heel_width": (0.15, 0.3), "pin": (0.3, 0.8)}
WINDOWED: Spans = {"windows": (0.8, 1), "laces": (0, 0), "marks": (0, 0)}

CARRIED: Spans = POSE | FABRIC | {
    "height": (0.55, 0.95), "taper": (-0.12, 0.25), "corner": (0.08, 0.5),
    "reach": (0.08, 0.7, 0.7), "grip": (0.15, 0.32), "handle": (0.03, 0.07),
    "second": (0, 1, 0.5), "sling": (0.04, 0.12, 0.3), "strap_tone": (0.6, 1.2),
    "flap": (0.2, 0.7, 0.5), "flap_tone": (0.75, 1.2), "zip": (0.3, 1, 0.4),
    "belts": (0.3, 1, 0.2), "clasp": (0.05, 0.15, 0.5),
}

WARDROBE: Mapping[str, tuple[Style, ...]] = {
    "T-shirt/top": (
        Style(0.72, top, SHORT | PRINTED),
        Style(0.20, top, BARE | PRINTED),
        Style(0.08, top, SHORT | HALF_OPEN),
    ),
    "Trouser": (
        Style(0.95, trousers, LEGS),
        Style(0.05, trousers, LEGS | WIDE),
    ),
    "Pullover": (
        Style(0.72, top, LONG | PRINTED | RIBBED),
        Style(0.20, top, LONG | HOODED),
        Style(0.08, top, LONG | HALF_OPEN),
    ),
    "Dress": (
        Style(0.40, top, BARE | SKIRTED),
        Style(0.30, top, SHORT | SKIRTED),
        Style(0.30, top, LONG | SKIRTED),
    ),
    "Coat": (
        Style(1.00, top, LONG | COATED),
    ),
    "Sandal": (
        Style(0.43, shoe, STRAPPY),
        Style(0.43, shoe, STRAPPY | HIGH_HEELED),
        Style(0.14, shoe, LOW | WINDOWED),
    ),
    "Shirt": (
        Style(0.62, top, LONG | BUTTONED),
        Style(0.32, top, SHORT | BUTTONED),
        Style(0.06, top, SHORT),
    ),
    "Sneaker": (
        Style(0.86, shoe, LOW),
        Style(0.14, shoe, LOW | HIGH_TOP),
    ),
    "Bag": (
        Style(1.00, bag, CARRIED),
    ),
    "Ankle boot": (
        Style(0.75, shoe, BOOT),
        Style(0.25, shoe, BOOT | BLOCK_HEELED),
    ),
}
