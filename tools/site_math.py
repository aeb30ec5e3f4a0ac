r"""Equations as pictures in the page itself, so that a reader needs neither network nor script.

The source is a fence of the kind `math`, in TeX as GitHub shows it too:

    \begin{aligned}
    e_s &= v^\top \tanh(W q + U k_s) \\
    \alpha &= \mathrm{softmax}(e)
    \end{aligned}

Matplotlib's mathtext draws every cell; its commands are those that may be used.
"""

from __future__ import annotations

import html
import re
from typing import Any, Final

from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

POINTS: Final = 12
"""Size of the letters in the drawing; on the page they are as large as the text."""
_FONT: Final = FontProperties(size=POINTS, math_fontfamily="stix")
FRACTION, FULL_FRACTION = r"\frac", r"\dfrac"
"""Displayed equations have full-size fractions; mathtext draws small ones unless told."""
_LETTERS: Final = {
    Path.MOVETO: "M",
    Path.LINETO: "L",
    Path.CURVE3: "Q",
    Path.CURVE4: "C",
    Path.CLOSEPOLY: "Z",
}
_ALIGNED: Final = re.compile(r"\\begin\{aligned\}(.*)\\end\{aligned\}", re.DOTALL)
_SPOKEN: Final = (
    (r"\\(?:mathrm|mathbf|text|operatorname)\{([^{}]*)\}", r"\1"),
    (r"([_^])\{(\w*)\}", r"\1\2"),
    (r"([_^])\{([^{}]*)\}", r"\1(\2)"),
    (r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)"),
    (r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1) / (\2)"),
    (r"\\(?:left|right)(?![a-z])", ""),
    (r"\\[,;]|\\q?quad(?![a-z])|&", " "),
    (r"\\\\", " ; "),
)
"""What is said instead of TeX's commands, from the innermost braces outwards."""


class EquationError(ValueError):
    """An equation that mathtext cannot draw; the message holds it."""


def equation(source: str) -> str:
    r"""An equation as HTML.

    Args:
        source: TeX without dollar signs; lines within `aligned` end with `\\`, cells with `&`.

    Raises:
        EquationError: It is no TeX that mathtext knows.
    """
    label = html.escape(spoken(source), quote=True)
    rows = "".join(
        f"<tr>{''.join(f'<td>{_picture(cell)}</td>' for cell in row)}</tr>" for row in cells(source)
    )
    table = f'<table class="rows">{rows}</table>'
    return f'<div class="equation" role="img" aria-label="{label}">{table}</div>'


def cells(source: str) -> list[list[str]]:
    """The rows of an equation, each as its cells."""
    aligned = _ALIGNED.fullmatch(source.strip())
    body = aligned[1] if aligned else source
    rows = [row.strip() for row in body.split(r"\\")]
    return [[cell.strip() for cell in row.split("&")] for row in rows if row]


def spoken(source: str) -> str:
    """An equation as plain text, for those who hear the page."""
    aligned = _ALIGNED.fullmatch(source.strip())
    text, before = (aligned[1] if aligned else source), ""
    while text != before:
        before = text
        for pattern, plain in _SPOKEN:
            text = re.sub(pattern, plain, text)
    return " ".join(text.replace("\\", "").split()).removesuffix(" ;")


def math_fence(source: str, *_: Any, **__: Any) -> str:
    """The formatter of fences `math`, as pymdownx.superfences calls it."""
    return equation(source)


def _picture(cell: str) -> str:
    """A cell as SVG in the colour of the text, its baseline on that of the line."""
    if not cell:
        return ""
    try:
        drawn = TextPath((0, 0), f"${cell.replace(FRACTION, FULL_FRACTION)}$", prop=_FONT)
    except ValueError as error:
        raise EquationError(f"{cell}: {error}") from error
    box = drawn.get_extents()
    left, bottom = min(box.x0, 0.0) - 1, min(box.y0, -0.25 * POINTS) - 1
    width, height = box.x1 - left + 1, max(box.y1, 0.75 * POINTS) - bottom + 1
    size = f"width:{width / POINTS:.3f}em;height:{height / POINTS:.3f}em"
    return (
        f'<svg viewBox="{left:.2f} {-bottom - height:.2f} {width:.2f} {height:.2f}" '
        f'style="{size};vertical-align:{bottom / POINTS:.3f}em" aria-hidden="true">'
        f'<path d="{_outline(drawn)}" fill="currentColor"/></svg>'
    )


def _outline(drawn: TextPath) -> str:
    """The letters' outlines as SVG has them; there y grows downwards."""
    parts = []
    for points, code in drawn.iter_segments(simplify=False, curves=True):
        pairs = points.reshape(-1, 2) if code != Path.CLOSEPOLY else points[:0].reshape(0, 2)
        numbers = " ".join(f"{x:.2f} {-y:.2f}" for x, y in pairs)
        parts.append(_LETTERS[code] + numbers)
    return "".join(parts)
