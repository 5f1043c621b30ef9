"""Config references: what they find, and what a missing path says."""

from __future__ import annotations

import inspect
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dynaconf import Dynaconf
from omegaconf import OmegaConf
from pydantic import BaseModel

from linepipe_core import File, MissingConfigError, MissingInputError, Node, Pipeline


def same(value: Any) -> Any:
    return value


def read(config: Any, *references: str) -> Any:
    """The values that nodes get for these references of this config."""
    nodes = [Node(same, [reference], [f"v{i}"]) for i, reference in enumerate(references)]
    values = list(Pipeline(nodes, config).run().values())
    return values[0] if len(values) == 1 else values


class Settings(BaseModel):
    window: int = 5
    db: dict[str, str] = {"url": "sqlite://"}


@dataclass
class Options:
    window: int = 5
    inner: dict[str, int] = field(default_factory=lambda: {"a": 1})


class Namespace:
    window = 5
    inner = SimpleNamespace(a={"b": [1, 2]})


@pytest.mark.parametrize(
    "config",
    [
        {"window": 5},
        SimpleNamespace(window=5),
        Settings(),
        Options(),
        Namespace,
        Namespace(),
        OmegaConf.create({"window": 5}),
    ],
)
def test_any_object_can_be_config(config: Any) -> None:
    """Mappings, models, dataclasses, namespaces, classes, OmegaConf."""
    assert read(config, "config.window") == 5


def test_a_mapping_is_read_by_key() -> None:
    """Also where a dict has a method of that name."""
    assert read({"items": 1, "keys": {"values": 2}}, "config.items", "config.keys.values") == [1, 2]


def test_attributes_and_keys_mix_along_a_path() -> None:
    """A model in a dict in an object."""
    config = {"left": SimpleNamespace(right={"model": Options()})}
    assert read(config, "config.left.right.model.inner.a") == 1


def test_an_object_is_read_by_attribute_then_by_key() -> None:
    """An object with both."""

    class Both:
        attribute = 1

        def __getitem__(self, key: str) -> str:
            if key == "missing":
                raise KeyError(key)
            return f"item {key}"

    assert read(Both(), "config.attribute", "config.key") == [1, "item key"]
    with pytest.raises(MissingConfigError):
        read(Both(), "config.missing")


def test_keys_that_are_numbers_can_be_written() -> None:
    """``config.folds.3`` of a dict with int keys; a list is passed whole."""
    assert read({"folds": {3: "c"}}, "config.folds.3") == "c"
    assert read({"seeds": [7, 8]}, "config.seeds") == [7, 8]


def test_config_alone_passes_the_whole() -> None:
    """As a copy."""
    config = {"a": [1]}
    got = read(config, "config")
    assert got == config
    assert got is not config


def test_falsy_values_are_found() -> None:
    """None, 0 and empty texts are values like others."""
    config = {"none": None, "zero": 0, "empty": ""}
    assert read(config, "config.none", "config.zero", "config.empty") == [None, 0, ""]


def test_changes_after_construction_do_not_count() -> None:
    """Config is copied when the pipeline is built."""
    config = {"inner": {"a": 1}}
    pipeline = Pipeline([Node(same, ["config.inner"], ["v"])], config)
    config["inner"]["a"] = 2
    assert pipeline.run()["v"] == {"a": 1}


def test_a_node_cannot_spoil_it() -> None:
    """Each reader and each run gets its own."""

    def spoil(inner: dict[str, int]) -> int:
        inner["a"] += 1
        return inner["a"]

    nodes = [Node(spoil, ["config.inner"], [name]) for name in ("first", "second")]
    pipeline = Pipeline(nodes, {"inner": {"a": 1}})
    for _ in range(2):
        assert dict(pipeline.run()) == {"first": 2, "second": 2}


def test_a_missing_path_is_an_error_before_anything_runs() -> None:
    """All of them are told, each with its node, what is there and the near match."""
    ran: list[str] = []
    nodes = [
        Node(lambda: ran.append("x"), [], []),
        Node(same, ["config.model.deepth"], ["a"], name="train"),
        Node(same, ["config.wndow"], ["b"], name="roll"),
    ]
    pipeline = Pipeline(nodes, {"window": 5, "model": Options()})
    with pytest.raises(MissingConfigError) as caught:
        pipeline.run()
    assert ran == []
    assert caught.value.names == ("config.model.deepth", "config.wndow")
    text = str(caught.value)
    assert "2 problems" in text
    assert "'config.model' has no 'deepth', which node 2 'train' reads" in text
    assert "available in 'config.model': window, inner" in text
    assert "'config' has no 'wndow', which node 3 'roll' reads" in text
    assert "did you mean 'config.window'?" in text


def test_a_part_that_is_like_nothing_there_gets_no_suggestion() -> None:
    """That both begin with ``config.`` doesn't make two names alike."""
    with pytest.raises(MissingConfigError) as caught:
        Pipeline([Node(same, ["config.lowest"], ["a"])], {"path": "x"}).run()
    assert "available in 'config': path" in str(caught.value)
    assert "did you mean" not in str(caught.value)


def test_a_missing_config_says_how_to_give_one() -> None:
    """Also for the whole config."""
    for reference in ("config", "config.a"):
        with pytest.raises(MissingConfigError) as caught:
            read(None, reference)
        assert f"there is no config, so no {reference!r}, which node 1 'same' reads" in str(
            caught.value
        )
        assert "give one: Pipeline(nodes, config=...)" in str(caught.value)


@pytest.mark.parametrize(
    ("config", "there"),
    [
        (Settings(), "window, db"),
        (Namespace(), "window, inner"),
        (SimpleNamespace(a=1, _b=2), "a"),
        ({}, "(none)"),
        ({"none": None}, "none"),
    ],
)
def test_a_missing_path_lists_what_is_there(config: Any, there: str) -> None:
    """Fields and keys, without methods, private names and a library's machinery."""
    with pytest.raises(MissingConfigError) as caught:
        read(config, "config.zzz")
    assert f"available in 'config': {there}\n" in f"{caught.value}\n"


def test_a_part_that_cant_be_read_is_missing() -> None:
    """OmegaConf's ``???``, an interpolation of nothing, a property that raises."""

    class Late:
        @property
        def window(self) -> int:
            raise ValueError("not yet")

    for config, why in [
        (OmegaConf.create({"window": "???"}), "MissingMandatoryValue: Missing mandatory value"),
        (OmegaConf.create({"window": "${nope}"}), "InterpolationKeyError: Interpolation key"),
        (Late(), "ValueError: not yet"),
    ]:
        with pytest.raises(MissingConfigError) as caught:
            read(config, "config.window")
        text = str(caught.value)
        assert f"'config.window' can't be read ({why}" in text
        assert "), which node 1 'same' reads\n  give it a value in the config" in text


def test_a_config_with_a_missing_part_can_be_read_whole(tmp_path: Path) -> None:
    """By those who don't need that part, and the plan knows it."""
    pipeline = Pipeline(
        [Node(len, ["config"], ["n"])],
        OmegaConf.create({"a": "???", "b": 1, "deep": {"c": "???"}}),
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    assert pipeline.run(reuse=True)["n"] == 3
    assert pipeline.plan()[0].action == "reuse"


class Computed(Options):
    """Options whose properties compute."""

    @property
    def folder(self) -> str:
        return self.inner.path  # type: ignore[attr-defined,no-any-return]  # the mistake to tell


@pytest.mark.parametrize("is_added", [False, True])
def test_a_property_that_fails_is_reported_with_its_own_error(is_added: bool) -> None:
    """Nothing is missing, and nothing was misspelt."""
    pipeline = Pipeline([Node(same, ["config.folder"], ["v"])], Computed())
    if is_added:
        pipeline += Pipeline([], SimpleNamespace(other=1))
    with pytest.raises(MissingConfigError) as caught:
        pipeline.run()
    assert str(caught.value) == (
        "'config.folder' can't be read (AttributeError: 'dict' object has no attribute 'path'), "
        "which node 1 'same' reads\n  give it a value in the config"
    )
    assert isinstance(caught.value.__cause__, AttributeError)


def test_a_config_that_is_a_text_has_no_parts() -> None:
    """Not even a str's methods: somebody gave the file's name in place of what is in it."""
    for reference in ("config.track", "config.title"):
        with pytest.raises(MissingConfigError, match="'config' is a str, so it has no 't") as told:
            read("settings.yaml", reference)
        assert "load what the text names" in str(told.value)
        assert "settings.yaml" not in str(told.value)
    assert read("settings.yaml", "config") == "settings.yaml"


def test_a_config_that_is_a_path_has_no_parts() -> None:
    """Not even its name: somebody gave the file in place of what is in it."""
    for path in (Path("settings.yaml"), File("settings.yaml")):
        said = f"'config' is a {type(path).__name__}, so it has no 'name'(.|\n)*load the file"
        with pytest.raises(MissingConfigError, match=said):
            read(path, "config.name")
        assert read({"path": Path("a/b")}, "config.path.name") == "b"


def test_a_config_that_cannot_be_copied_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """When the pipeline is built: not again by a run, by another part, or by a slice."""
    nodes = [Node(same, [f"config{part}"], [], name=f"read{part}") for part in ("", ".lock")]
    with caplog.at_level(logging.DEBUG, "linepipe.registry"):
        pipeline = Pipeline(nodes, {"lock": threading.Lock(), "n": 1})
        for each in (pipeline, pipeline.only_nodes("read.lock"), pipeline.bind(x=1), pipeline):
            each.run()
    (record,) = (each for each in caplog.records if each.name == "linepipe.registry")
    assert "'config' can't be copied: _thread.lock in it is passed by reference" in record.message


def test_a_path_through_a_plain_value_is_missing() -> None:
    """An int has no parts, nor has None."""
    for value, what in ((1, "an int"), (None, "None"), ("text", "a str"), (True, "a bool")):
        with pytest.raises(MissingConfigError, match=rf"'config\.a' is {what}, so it has no 'b'"):
            read({"a": value}, "config.a.b")


@pytest.mark.parametrize(
    ("config", "reference", "text"),
    [
        ({"models": [1]}, "config.models.0", "'config.models' is a list; digits don't index"),
        ({"items": [1]}, "config.items.append", "'config.items' has no 'append'(.|\n)*is a list"),
        (OmegaConf.create({"x": [1]}), "config.x.append", "'config.x' has no 'append'"),
        (OmegaConf.create({"x": [1]}), "config.x.0", "digits don't index"),
        ({"n": 5}, "config.n.real", "'config.n' is an int, so it has no 'real'"),
        ({"a": {"Rate": 5}}, "config.a.rate", "did you mean 'config.a.Rate'"),
        (Options(), "config.__class__", "'config' has no '__class__'"),
        ({True: 1}, "config.True", "the key True is no text but a bool"),
        ({"\u00e9": 1}, "config.e\u0301", "looks the same and is written with other characters"),
    ],
)
def test_a_part_that_is_no_config_says_why(config: Any, reference: str, text: str) -> None:
    """Methods, items of a list, keys that are no text, names in another normal form."""
    with pytest.raises(MissingConfigError, match=text):
        read(config, reference)


@pytest.mark.parametrize("name", ["cfg.x", "Config.x", "CONFIG.x", "settings.x"])
def test_a_name_that_looks_like_a_config_reference_is_corrected(name: str) -> None:
    """With a call that works for such a name."""
    with pytest.raises(MissingInputError) as caught:
        read({"x": 1}, name)
    assert "config references begin with 'config.': did you mean 'config.x'?" in str(caught.value)
    assert f"pipeline.bind(**{{{name!r}: ...}})" in str(caught.value)


OPTIONS = [name for name in inspect.signature(Pipeline).parameters if name != "constants"]


@pytest.mark.parametrize("name", [*OPTIONS, "self", "names", "class", "a b"])
def test_the_call_that_an_error_suggests_works(name: str) -> None:
    """Also for a constant that is called like an argument of Pipeline."""
    pipeline = Pipeline([Node(same, [name], ["v"], name="read")])
    if name == "config":  # means the config
        return
    with pytest.raises(MissingInputError) as caught:
        pipeline.run()
    suggested = str(caught.value).partition("give it as a constant: ")[2].split(" or ")
    for call in suggested:
        call = call.replace("Pipeline(...", "Pipeline(pipeline.nodes").replace("...", "1")
        made = eval(call, {"Pipeline": Pipeline, "pipeline": pipeline})
        assert made.run()["v"] == 1
    assert (len(suggested) == 2) == (name in ("self", "names"))


def test_names_that_only_look_the_same_are_told_apart() -> None:
    """Objects, nodes and config references that are written with other characters."""
    composed, decomposed = "\u00e9t\u00e9", "e\u0301te\u0301"
    pipeline = Pipeline([Node(same, [decomposed], ["v"], name=decomposed)]).bind(**{composed: 1})
    for look in (pipeline.run, lambda: pipeline[composed]):
        with pytest.raises(LookupError, match="looks the same and is written with other"):
            look()


def test_dynaconf_settings_that_nobody_read_yet_are_read() -> None:
    """A copy made before would be empty."""
    assert read(Dynaconf(X=1, DB={"host": "h"}), "config.X", "config.db.host") == [1, "h"]
    pipeline = Pipeline([Node(same, ["config.X"], ["v"])], {"X": 0})
    assert pipeline.replace(config=Dynaconf(X=1)).run()["v"] == 1
