"""draw_mermaid_pipeline: text that Mermaid's own parser takes, whatever the names."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.viz import samples

from linepipe_core import Pipeline
from linepipe_viz import draw_mermaid_pipeline

MERMAID = Path(__file__).parent / "mermaid"


def parsed(texts: Mapping[str, str]) -> dict[str, str]:
    """What Mermaid's parser says to each text: the diagram's type, or the error."""
    if shutil.which("node") is None or not (MERMAID / "node_modules").is_dir():
        if os.environ.get("CI"):
            pytest.fail("no node or no node_modules: .ci/run must install them")
        pytest.skip("needs node, and `npm ci` in tests/viz/backends/mermaid")
    done = subprocess.run(
        ["node", "check.mjs"],
        cwd=MERMAID,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: dict[str, str] = json.loads(done.stdout)
    return answers


def labels(text: str) -> list[str]:
    """The quoted labels, as Mermaid would show them."""
    quoted = re.findall(r'"(.*?)"(?:[\])/]|\|)', text)
    return [html.unescape(re.sub(r"#(\d+);", r"&#\1;", label)) for label in quoted]


def test_the_whole_form() -> None:
    """Functions, objects and config values in the nodes' order, then the classes."""
    pipeline = samples.features().to_nodes("rolling_goals")
    assert draw_mermaid_pipeline(pipeline, 'The "features"') == (
        "---\n"
        'title: "The \\"features\\""\n'
        "---\n"
        "flowchart TB\n"
        '    n0["load_data"]:::function\n'
        '    d0(["raw_data"]):::data\n'
        "    n0 --> d0\n"
        '    n1["clean_data"]:::function\n'
        "    d0 --> n1\n"
        '    d1(["clean_data"]):::data\n'
        "    n1 --> d1\n"
        '    n2["rolling_goals"]:::function\n'
        "    d1 --> n2\n"
        '    d2[/"config.window"/]:::config\n'
        "    d2 -.-> n2\n"
        '    d3[/"config.min_periods"/]:::config\n'
        "    d3 -.-> n2\n"
        '    d4(["rolling_features"]):::data\n'
        "    n2 --> d4\n"
        "    classDef function fill:#E8F2FB,stroke:#0072B2,color:#0B2E4A,stroke-width:1.5px\n"
        "    classDef data fill:#FFF3DC,stroke:#B87400,color:#553600,stroke-width:1.3px\n"
        "    classDef config fill:#F3E9F1,stroke:#A8648F,color:#5C2A4B,stroke-width:1px\n"
    )


def test_mermaid_parses_all_that_we_write() -> None:
    """Samples, nasty names, a result, an empty pipeline, more edges than Mermaid draws."""
    failed = samples.told(samples.failure(samples.training(), "predict"))
    large = samples.random_pipeline(230)
    texts = {name: draw_mermaid_pipeline(make()) for name, make in samples.PIPELINES.items()}
    texts |= {
        "nasty": draw_mermaid_pipeline(samples.nasty(), "\n---\n\"'#;<b>数🦜"),
        "failed": draw_mermaid_pipeline(samples.training(), result=failed),
        "empty": draw_mermaid_pipeline(Pipeline([])),
        "folded": draw_mermaid_pipeline(large),
    }
    assert "-->|" in texts["folded"]
    answers = parsed({**texts, "broken": "flowchart TB\n    end --> graph\n"})
    assert answers.pop("broken").startswith("error: ")
    assert set(answers.values()) == {"flowchart-v2"}


def test_labels_show_the_names_as_they_are() -> None:
    """Entities, read back, give each name."""
    shown = labels(draw_mermaid_pipeline(samples.nasty()))
    for name in ("<lambda>", 'a"b', "</text><script>alert(1)</script>", "数据帧", "$x$", "`tick`"):
        assert shown.count(name) == 2  # the function and the object
        assert f"config.{name}" in shown


def test_no_sign_with_a_meaning_of_its_own_is_left() -> None:
    """Mermaid reads markdown, HTML, formulas and entities in labels."""
    text = draw_mermaid_pipeline(samples.nasty())
    for quoted in re.findall(r'"(.*?)"(?:[\])/]|\|)', text):
        assert not re.search(r'[<>"`$&{}\\]', quoted)


def test_a_result_shows_status_and_figures() -> None:
    """In the box, with a look of its own where it isn't plain success."""
    failed = samples.told(samples.failure(samples.training(), "predict"))
    text = draw_mermaid_pipeline(samples.training(), result=failed)
    assert (
        'n7["predict<br>failed · 2.72 s · 320 MiB · ValueError: no such season: 1789"]:::failed'
        in text
    )
    assert 'n8["evaluate<br>not run"]:::notrun' in text
    assert 'n6["train<br>2.22 s · 280 MiB"]:::ran' in text


def test_what_the_result_does_not_know_did_not_run() -> None:
    """The run of a part shows on the whole."""
    part = samples.told(samples.features().to_nodes("clean_data").run())
    text = draw_mermaid_pipeline(samples.features(), result=part)
    assert 'n1["clean_data<br>' in text
    assert 'n4["write_features<br>not run"]:::notrun' in text


def test_more_edges_than_mermaid_draws_become_fewer() -> None:
    """Objects are words on the edges then, config values words in the boxes."""
    nodes = [samples.node("first", ["config.a"], [f"x{n}" for n in range(300)])]
    nodes.append(samples.node("second", [f"x{n}" for n in range(300)], []))
    text = draw_mermaid_pipeline(Pipeline(nodes))
    assert text.count("-->") == 1
    assert 'n0["first<br>config.a"]' in text
    assert 'n0 -->|"x0, x1, x2' in text


def test_what_mermaid_cannot_draw_at_all_is_said() -> None:
    """With what to do about it."""
    nodes = [samples.node(f"n{n}", [f"x{m}" for m in range(n)], [f"x{n}"]) for n in range(40)]
    with pytest.warns(UserWarning, match=r"at most 500 edges(.|\n)*draw a part of it"):
        draw_mermaid_pipeline(Pipeline(nodes))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_mermaid_pipeline(samples.random_pipeline(80))
