"""No plan, result, picture, history or index holds a secret; other short texts are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from linepipe import viz
from linepipe_core import MissingInputError, Node, Pipeline, create_named_partial_function
from linepipe_core._values.secrets import may_hold_secret, shown_value

API_TOKEN = "sk-live-OLD"


def fetch(user: str, password: str, url: str, mode: str, *, key: str) -> int:
    return len(user + password + url + mode + key + API_TOKEN)


def fetching(path: Path, which: str) -> Pipeline:
    bound = create_named_partial_function(fetch, "fetch", key=f"k-{which}")
    reads = ["user", "password", "config.url", "config.mode"]
    return Pipeline(
        [Node(bound, reads, ["n"])],
        {"url": f"postgres://bob:pw-{which}@host/db", "mode": f"mode-{which}"},
        use_persistent_cache=True,
        cache_storage_path=path / "cache",
        user=f"bob-{which}",
        password=f"hunter2-{which}",
    )


def everything(made: Any, pipeline: Pipeline) -> str:
    """The texts of all views of a plan or a result."""
    views = (
        viz.draw_svg_pipeline(pipeline, result=made),
        viz.draw_mermaid_pipeline(pipeline, result=made),
        made._repr_html_(),
    )
    return "\n".join([str(made), repr(made), repr(list(made)), *map(str, views)])


def test_no_view_and_no_index_holds_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Constants, globals, bound arguments and config alike; a harmless text is shown."""
    fetching(tmp_path, "old").run()
    monkeypatch.setitem(globals(), "API_TOKEN", "sk-live-NEW")
    pipeline = fetching(tmp_path, "new")
    plan = pipeline.plan()
    result = pipeline.run(reuse=True)
    shown = everything(plan, pipeline) + everything(result, pipeline)
    shown += "".join(f"{r.old} {r.new}" for r in (*plan[0].reasons, *result.steps[0].reasons))
    secrets = [f"{each}-{which}" for each in ("hunter2", "k", "pw") for which in ("old", "new")]
    secrets += ["sk-live-OLD", "sk-live-NEW", "postgres://"]
    assert [secret for secret in secrets if secret in shown] == []
    assert "'mode-old' -> 'mode-new'" in str(plan)
    assert "'bob-old' -> 'bob-new'" in str(plan)
    index = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert [secret for secret in secrets if secret.encode() in index] == []


def test_the_history_on_the_shelf_holds_no_secret(tmp_path: Path) -> None:
    """Neither of the constants nor of a config; that of the run itself has them."""
    nodes = [
        Node(lambda password, rows: len(rows), ["password", "rows"], ["n"], name="log_in"),
        Node(lambda config, n: n, ["config", "n"], ["m"], name="settings"),
        Node(lambda mode, n: n, ["config.mode", "n"], ["token"], name="harmless"),
    ]
    config = {"mode": "fast", "db": {"url": "db.example", "password": "hunter3"}}
    tracked = Pipeline(
        nodes,
        config,
        track_history=True,
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
        password="hunter2",
        rows=["a", "b"],
    )
    result = tracked.run()
    assert result.history[0].inputs["password"] == "hunter2"
    index = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert [secret for secret in (b"hunter2", b"hunter3") if secret in index] == []
    log_in, settings, harmless = tracked.replace().history
    assert log_in.inputs["rows"] == ["a", "b"]
    assert (harmless.inputs["config.mode"], harmless.outputs["token"]) == ("fast", 2)
    with pytest.raises(MissingInputError, match=r"'password' can't be read.* may hold a secret"):
        log_in.inputs["password"]
    with pytest.raises(MissingInputError, match="'config' can't be read"):
        settings.inputs["config"]


@dataclass
class Database:
    user: str
    password: object


class SecretStr:
    """As pydantic's."""


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("password", "x", True),
        ("password", 1234, True),
        ("tokens", 1234, False),
        ("tokens", [[1, 2], [3]], False),
        ("tokens", ["a", "b"], True),
        ("db", Database("bob", "x"), True),
        ("db", [Database("bob", None)], False),
        ("db", {"main": Database("bob", SecretStr())}, True),
        ("url", "postgres://bob:pw@host/db", True),
        ("note", "nothing to hide " * 1_000, False),
        ("rows", [{"key": "a"}] * 1_001, False),
        ("frame", pd.DataFrame({"a": [1]}), False),
    ],
)
def test_what_may_hold_a_secret(name: str, value: object, expected: bool) -> None:
    """By the name of the value or of what it lies in; data isn't searched."""
    assert may_hold_secret(name, value) is expected


def test_a_value_that_holds_itself_is_searched_once() -> None:
    """And what isn't found within a thousand values isn't looked for any longer."""
    loop: list[object] = ["a"]
    loop.append(loop)
    assert not may_hold_secret("loop", loop)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("config.mode", "fast"),
        ("user", "bob"),
        ("max_tokens", 100),
        ("tokenizer", "bert-base-uncased"),
        ("monkey", "x"),
        ("model", "HistGradientBoostingRegressor"),
        ("table", "clean_2026_training_rows"),
        ("started", "2026-11-29T14:02:11"),
        ("path", "/data/in/2026/rows.parquet"),
        ("formula", "y ~ x1 + x2"),
        ("window", [1, (2, "a"), None]),
        ("config.db", {"user": "bob", "port": 5432}),
    ],
)
def test_a_short_harmless_value_is_shown(name: str, value: object) -> None:
    """As its repr."""
    assert shown_value(name, value) == repr(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("config.password", "hunter2"),
        ("password", 1234),
        ("dbPassword", "x"),
        ("authtoken", "x"),
        ("argument key", "abc"),
        ("config.auth.user", "bob"),
        ("global API_TOKEN", "x"),
        ("site_dsn", b"x"),
        ("config.db", {"user": "bob", "password": "x"}),
        ("users", [{"name": "bob", "secret": 1}]),
        ("url", "https://example.org/?t=1"),
        ("where", "bob:pw@host"),
        ("options", "host=h password=x"),
        ("x", "9f8a7b6c5d4e3f2a1b0c"),
        ("x", "550e8400-e29b-41d4-a716-446655440000"),
        ("x", "aGVsbG8gd29ybGQ="),
        ("x", "AKIAIOSFODNN7EXAMPLE"),
        ("x", "sk-live-51HxAbCd"),
        ("x", ["ok", "wJalrXUtnFEMI"]),
        ("x", "qwkjhzxcvbnmlkjpoiuytrewq"),
        ("x", "a" * 41),
        ("x", list(range(100))),
        ("x", object()),
    ],
)
def test_what_may_be_a_secret_or_is_long_is_not_shown(name: str, value: object) -> None:
    """By its name, its looks or its length."""
    assert shown_value(name, value) == ""
