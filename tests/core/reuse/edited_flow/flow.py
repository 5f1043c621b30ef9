"""A flow of six nodes, which tests edit."""

import helpers
from helpers import HANDLERS, Model, add_five, kind, label, rounded, squares, triple

from linepipe_core import Node, Pipeline


def load(n):
    from late import start

    return [helpers.remembered(value) for value in range(start(), n)]


def tidy(raw, limit):
    return [helpers.clean(value) for value in raw if value < limit]


def enrich(tidied):
    return [HANDLERS["up"](triple(value)) for value in squares(tidied)]


def train(enriched, alpha):
    model = Model(alpha)
    model.fitted = rounded(sum(enriched) / len(enriched))
    return model


def summarise(enriched, model):
    total = helpers.running(enriched)[-1]
    return [label(add_five(total)), kind(total), helpers.word(total), model.predict(1), model.size]


def report(summary, path):
    with open(path, "a") as file:
        file.write(helpers.versioned(f"{summary}\n"))


def pipeline(folder):
    config = {"limit": 9, "alpha": 0.5, "unread": 1, "path": f"{folder}/report.txt"}
    return Pipeline(
        [
            Node(load, ["n"], ["raw"]),
            Node(tidy, ["raw", "config.limit"], ["tidied"]),
            Node(enrich, ["tidied"], ["enriched"]),
            Node(train, {"enriched": "enriched", "alpha": "config.alpha"}, ["model"]),
            Node(summarise, ["enriched", "model"], ["summary"]),
            Node(report, ["summary", "config.path"], []),
        ],
        config=config,
        use_persistent_cache=True,
        cache_storage_path=f"{folder}/cache",
        n=12,
    )
