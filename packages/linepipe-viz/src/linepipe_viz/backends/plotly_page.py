"""The figure that ``plot_pipeline_graph`` returns: plotly's own, with a page that suits it.

plotly leaves a page white around a dark figure, and lets nobody select a name in it. Apart from
``plotly_figure`` because it needs plotly to be there when it is loaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any, Final

from plotly.graph_objects import Figure

__all__ = ["pipeline_figure"]

_SCRIPT: Final = """
(() => {
  const plot = document.getElementById("{plot_id}");
  // On a page that holds nothing else, the page has the figure's colour.
  if (document.title === "" && document.body.querySelectorAll(".js-plotly-plot").length === 1) {
    document.body.style.background = plot.layout.paper_bgcolor;
  }
  // plotly's drag layer covers the texts and gets all events: a drag that begins on a text
  // selects in it, any other one moves the picture.
  const style = document.createElement("style");
  style.textContent = `.js-plotly-plot .textpoint text {
    user-select: text !important; -webkit-user-select: text !important; }`;
  document.head.append(style);
  const textAt = (event) => [...plot.querySelectorAll(".textpoint text")].find((text) => {
    const box = text.getBoundingClientRect();
    return event.clientX >= box.left && event.clientX <= box.right &&
      event.clientY >= box.top && event.clientY <= box.bottom &&
      text.firstChild instanceof Text;
  });
  const placeIn = (text, event) => {
    const n = text.getNumberOfChars();
    for (let place = 0; place < n; place += 1) {
      const box = text.getExtentOfChar(place);
      const middle = new DOMPoint(box.x + box.width / 2, box.y);
      if (event.clientX < middle.matrixTransform(text.getScreenCTM()).x) return place;
    }
    return n;
  };
  let chosen = null;
  plot.addEventListener("mousedown", (event) => {
    getSelection().removeAllRanges();
    const text = event.button === 0 && textAt(event);
    if (!text) return;
    chosen = { node: text.firstChild, text, start: placeIn(text, event) };
    event.stopPropagation();
    event.preventDefault();
  }, true);
  addEventListener("mousemove", (event) => {
    if (chosen) {
      const end = placeIn(chosen.text, event);
      getSelection().setBaseAndExtent(chosen.node, chosen.start, chosen.node, end);
    } else if (event.target.classList?.contains("nsewdrag")) {
      event.target.style.cursor = textAt(event) ? "text" : "";
    }
  }, true);
  addEventListener("mouseup", () => { chosen = null; }, true);
})();
"""


def pipeline_figure(traces: list[Any]) -> Any:
    """A plotly figure of these traces whose page has its colour and lets names be selected."""
    return _PipelineFigure(traces)


class _PipelineFigure(Figure):  # type: ignore[misc] # plotly publishes no types
    """A plotly figure whose pages are dark around a dark figure, and whose texts can be selected.

    In all else it is a ``plotly.graph_objects.Figure``.
    """

    def to_html(self, *args: Any, **kwargs: Any) -> str:
        """The figure as HTML, as plotly makes it, with a script of ours after plotly's."""
        given = kwargs.pop("post_script", None) or []
        scripts = [_SCRIPT, *([given] if isinstance(given, str) else given)]
        text: str = super().to_html(*args, post_script=scripts, **kwargs)
        return text

    def write_html(self, file: str | os.PathLike[str] | IO[str], *args: Any, **kwargs: Any) -> None:
        """Write the figure as a page; the arguments are those of plotly."""
        given = kwargs.pop("post_script", None) or []
        scripts = [_SCRIPT, *([given] if isinstance(given, str) else given)]
        target = Path(file) if isinstance(file, str) else file
        super().write_html(target, *args, post_script=scripts, **kwargs)
