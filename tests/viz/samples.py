"""Pipelines to draw. Light to import: tests start many programs that need them."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from linepipe_core import Node, NodeExecutionError, Pipeline, Plan, PlanEntry, Reason, RunResult

# The failing samples log an error, which Python would show where nobody has set up logging.
logging.getLogger("linepipe").addHandler(logging.NullHandler())


class Table:
    """Stands for a data frame."""


def node(name: str, inputs: Sequence[str], outputs: Sequence[str]) -> Node:
    """A node of that name whose function takes anything and makes what is asked of it."""

    def make(*objects: object) -> object:
        made = tuple(f"{name}: {output}" for output in outputs)
        return made[0] if len(made) == 1 else made

    return Node(make, inputs, outputs, name=name)


def load_data() -> Table:
    """Load the raw sales table.

    From where it lies.
    """
    return Table()


def clean_data(raw: Table) -> Table:
    """Drop rows with missing keys."""
    return raw


def rolling_goals(clean: Table, window: int, min_periods: int = 1) -> Table:
    """Rolling mean of goals per team."""
    return clean


def merge(clean: Table, rolling: Table) -> Table:
    """Left join on (team, date)."""
    return clean


def write_features(features: Table) -> None:
    """Write features to parquet."""


def features() -> Pipeline:
    """Five nodes, a long edge, two config values."""
    return Pipeline(
        [
            Node(load_data, [], ["raw_data"]),
            Node(clean_data, ["raw_data"], ["clean_data"]),
            Node(
                rolling_goals,
                ["clean_data", "config.window", "config.min_periods"],
                ["rolling_features"],
            ),
            Node(merge, ["clean_data", "rolling_features"], ["features"]),
            Node(write_features, ["features"], []),
        ],
        config={"window": 5, "min_periods": 2},
    )


def training() -> Pipeline:
    """Ten nodes, several outputs, an object that is read far below."""
    config = dict.fromkeys(
        ["db", "season", "feature_engineering", "test_size", "seed", "model_params"], 1
    )
    return Pipeline(
        [
            node("create_db_engine", ["config.db"], ["engine"]),
            node("load_matches", ["engine", "config.season"], ["matches"]),
            node("load_players", ["engine"], ["players"]),
            node("clean", ["matches"], ["matches_clean"]),
            node(
                "make_features",
                ["matches_clean", "players", "config.feature_engineering"],
                ["X", "y"],
            ),
            node(
                "split",
                ["X", "y", "config.test_size", "config.seed"],
                ["X_train", "X_test", "y_train", "y_test"],
            ),
            node("train", ["X_train", "y_train", "config.model_params"], ["model"]),
            node("predict", ["model", "X_test"], ["predictions"]),
            node("evaluate", ["predictions", "y_test"], ["metrics"]),
            node("write_report", ["metrics", "engine", "model"], []),
        ],
        config=config,
    )


def standardise(table: Table, mean: float, scale: float) -> Table:
    """Subtract the mean, divide by the scale."""
    return table


def twice() -> Pipeline:
    """One function in two nodes, and inputs that no node makes."""
    return Pipeline(
        [
            Node(standardise, ["home", "mean", "scale"], ["home_standard"]),
            Node(standardise, ["away", "mean", "scale"], ["away_standard"]),
            Node(merge, ["home_standard", "away_standard"], ["matches"]),
        ],
        home=Table(),
        away=Table(),
        mean=0.0,
        scale=1.0,
    )


def tracked() -> Pipeline:
    """The same with a history."""
    recording = Pipeline(twice().nodes, track_history=True)
    return recording.bind(home=Table(), away=Table(), mean=0.0, scale=1.0)


def wide() -> Pipeline:
    """A node with more outputs than fit beside each other, each read further down."""
    folds = [f"fold_number_{number}" for number in range(9)]
    return Pipeline(
        [
            node("cross_validation_folds", ["table"], folds),
            *(node(f"fit_{n}", [fold], [f"score_{n}"]) for n, fold in enumerate(folds[:4])),
            node("rest", folds[2:], ["score_rest"]),
            node("best", ["score_0", "score_1", "score_2", "score_3", "score_rest"], ["model"]),
        ],
        table=Table(),
    )


def islands() -> Pipeline:
    """Parts that have nothing to do with each other."""
    return Pipeline(
        [
            node("load_orders", [], ["orders"]),
            node("load_customers", [], ["customers"]),
            node("ping_database", [], []),
            node("count_orders", ["orders"], ["n_orders"]),
            node("count_customers", ["customers"], ["n_customers"]),
            node("send_heartbeat", ["config.monitor.url"], []),
        ],
        config={"monitor": {"url": "-"}},
    )


PIPELINES: dict[str, Callable[[], Pipeline]] = {
    "features": features,
    "training": training,
    "twice": twice,
    "wide": wide,
    "islands": islands,
}


@dataclass(frozen=True)
class Memory:
    """What a profile hook puts into a step, as far as anybody looks."""

    peak_mib: float
    delta_mib: float = 0.0
    samples: Sequence[tuple[float, float]] = ()
    method: str = "kernel"


def told(result: RunResult | NodeExecutionError) -> Any:
    """The same result with figures that don't change from run to run."""
    for step in result.steps:
        if step.seconds is not None:
            step.seconds = 0.12 * (step.index + 1) ** 1.5
            step.memory = Memory(40.0 * (step.index + 1))
    return result


def timed(pipeline: Pipeline) -> RunResult:
    """A run on a made-up clock: nodes of 1 s, 2 s, ... half a second apart, and 1 s at the end."""
    result = pipeline.run()
    clock = 1_700_000_000.0
    for step in result.steps:
        peak = 10.0 * (step.index + 1)
        step.began, step.seconds = clock, float(step.index + 1)
        step.memory = Memory(peak, samples=[(0.0, 0.0), (step.seconds, peak)])
        clock += step.seconds + 0.5
    n_nodes = len(result.steps)
    result.seconds = n_nodes * (n_nodes + 1) / 2 + n_nodes / 2 + 0.5
    return result


def failing(pipeline: Pipeline, name: str) -> Pipeline:
    """The same pipeline with a node that fails."""

    def fail(*objects: object) -> object:
        raise ValueError("no such season: 1789")

    nodes = [
        Node(fail, n.inputs, n.outputs, name=n.name) if n.name == name else n
        for n in pipeline.nodes
    ]
    return Pipeline(nodes, config=dict.fromkeys(_config_keys(pipeline), 1))


def _config_keys(pipeline: Pipeline) -> list[str]:
    names = [name for n in pipeline.nodes for name in n.inputs]
    return [name.removeprefix("config.") for name in names if name.startswith("config.")]


def failure(pipeline: Pipeline, name: str) -> NodeExecutionError:
    """The error of a run in which that node failed."""
    try:
        failing(pipeline, name).run()
    except NodeExecutionError as error:
        return error
    raise AssertionError("the run was meant to fail")


def planned() -> Plan:
    """What would happen to each node of ``features`` after a change."""
    told: list[tuple[Literal["run", "reuse", "maybe"], Reason]] = [
        ("reuse", Reason("nothing changed", "nothing_changed")),
        ("run", Reason("its code changed", "code")),
        ("run", Reason("config.window changed: 5 -> 7", "config", "config.window", "5", "7")),
        ("maybe", Reason("input clean_data may change", "input", "clean_data")),
        ("maybe", Reason("input features may change", "input", "features")),
    ]
    times = [3.1, 0.42, 1.3, 0.2, None]
    entries = [
        PlanEntry(node, action, (reason,), ("the clock",), seconds)
        for node, (action, reason), seconds in zip(features(), told, times, strict=True)
    ]
    return Plan(entries)


NASTY = (
    "<lambda>",
    "end",
    "graph",
    'a"b',
    "it's",
    "a & b",
    "</text><script>alert(1)</script>",
    "数据帧",
    "🦜🦜🦜",
    "e\u0301te\u0301",
    "x" * 200,
    "W" * 34,
    "数" * 60,
    "two\nlines",
    "\x1b[31mred",
    "a\\b",
    "$x$",
    "%{x}",
    "`tick`",
    "**bold**",
    "# head",
    "{curly} [square]",
    "semi;colon",
    "  spaces  ",
)


# Of these, terminals don't agree on the width.
SCRIPTS = (
    "हिन्दी_नाम",
    "नमस्ते_दुनिया_डेटा",
    "العربية",
    "ขอบคุณ",
    "﷽﷽﷽",
    "👩‍👩‍👧‍👦",
    "⸻⸻⸻",
    "ЖЩЮЖЩЮЖЩЮ",
    "①②③④⑤⑥",
)

# In no monospace font, bold, on an otherwise narrow page.
TITLES = (
    "ÀÉÎÕÜẞØ" * 8,
    "ΑΒΓΔΩ" * 10,
    "ЖЩЮ" * 6,
    "Подготовка данных и обучение модели",
    "→" * 12,
    "①②③④⑤⑥" * 3,
    "⸻" * 6,
    "हिन्दी में डेटा तैयार करना",
    "データの準備とモデルの学習",
    "W" * 40,
)


def nasty(names: Sequence[str] = NASTY) -> Pipeline:
    """Each nasty name as a node, an output, an input and a config key."""
    nodes = []
    for number, name in enumerate(names):
        reads = [names[number - 1]] if number else ["free " + name]
        nodes.append(node(name, [*reads, f"config.{name}"], [name]))
    return Pipeline(nodes, config=dict.fromkeys(names, 1)).bind(**{f"free {names[0]}": 1})


def random_pipeline(
    n_nodes: int, *, seed: int = 7, reach: int = 10, most_inputs: int = 3, most_outputs: int = 2
) -> Pipeline:
    """A pipeline of any size; nodes read what the last ``reach`` of them made."""
    chance = random.Random(seed)
    made: list[list[str]] = []
    nodes = []
    for number in range(n_nodes):
        pool = [name for names in made[-reach:] for name in names]
        inputs = chance.sample(pool, min(len(pool), chance.randint(0, most_inputs)))
        if chance.random() < 0.15:
            inputs.append(f"config.p{number}")
        if chance.random() < 0.1:
            inputs.append(f"free_{chance.randint(0, 5)}")
        outputs = [
            f"{'long_' * chance.randint(0, 3)}object_{number}_{place}"
            for place in range(chance.randint(0, most_outputs))
        ]
        nodes.append(node(f"step_{number}", inputs, outputs))
        made.append(outputs)
    return Pipeline(nodes)
