"""Drawings as SVG, made element by element, so that text stays text; no script, no external resource."""

from __future__ import annotations

from xml.etree import ElementTree as ET

_FONTS = "IPAexGothic, Hiragino Sans, Yu Gothic, Noto Sans JP, Noto Sans CJK JP, Meiryo, sans-serif"
INK, FAINT = "#1f2933", "#c3ccd5"


class Drawing:
    """A scalable drawing of *width* and *height*.  Its `str` is the SVG."""

    def __init__(self, width: float, height: float) -> None:
        self._root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg")
        size = {"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height)}
        self._root.attrib |= {**size, "role": "img", "font-family": _FONTS}

    def __str__(self) -> str:
        return ET.tostring(self._root, encoding="unicode")

    def add(self, tag: str, words: str = "", **attributes: float | str) -> ET.Element:
        """Add an element with *words* in it; an attribute's name has `_` for `-`, numbers are rounded."""
        given = {
            name.replace("_", "-"): value if isinstance(value, str) else f"{round(value, 1):g}"
            for name, value in attributes.items()
        }
        made = ET.SubElement(self._root, tag, given)
        made.text = words or None
        return made

    def text(
        self, x: float, y: float, words: str, *, size: float = 12, fill: str = INK, anchor: str = "start", **more: str
    ) -> None:
        """Write *words* on the line at *y*."""
        self.add("text", words, x=x, y=y, font_size=size, fill=fill, text_anchor=anchor, **more)

    def line(
        self, ends: tuple[float, float, float, float], stroke: str = FAINT, *, width: float = 1, dashes: str = "none"
    ) -> None:
        """Draw from the first two coordinates to the last two."""
        x1, y1, x2, y2 = ends
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width, stroke_dasharray=dashes)

    def rect(self, x: float, y: float, width: float, height: float, fill: str, *, title: str = "") -> None:
        """Fill a rectangle; a browser shows *title* beside the pointer."""
        made = self.add("rect", x=x, y=y, width=width, height=height, fill=fill)
        if title:
            ET.SubElement(made, "title").text = title
