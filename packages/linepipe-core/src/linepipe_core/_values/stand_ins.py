"""The stand-ins for values whose pickle isn't their content, or that have none.

Of a database's engine its address counts, of a query its text, of a section of a config what it
resolves to, of a lock nothing. Users add their own types by `register_fingerprint`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from linepipe_core._values.classes import kind_name
from linepipe_core._values.fingerprints import registered_fingerprint

__all__ = ["stand_in_of"]


def stand_in_of(kind: type) -> Callable[[Any], object] | None:
    """The function that gives what counts of values of a type, a user's or ours; or None."""
    for base in kind.__mro__[:-1]:
        how = registered_fingerprint(base) or _KNOWN.get(kind_name(base))
        if how is not None:
            return how
    return None


def _nothing(_value: Any) -> object:
    return ()


def _settings(*names: str) -> Callable[[Any], object]:
    """The settings of an object that holds connections as well."""

    def settings(value: Any) -> object:
        return tuple((name, _shown(getattr(value, name, None))) for name in names)

    return settings


def _shown(value: Any) -> object:
    if value is None or isinstance(value, (bool, int, float, str, tuple)):
        return value
    if hasattr(value, "items"):
        return tuple((str(key), str(item)) for key, item in value.items())
    return str(value)


def _engine(engine: Any) -> object:
    return str(engine.url.set(password=None))


def _statement(statement: Any) -> object:
    """A query as its text and its parameters, without numbers that depend on the process."""
    compiled = statement.compile()
    return str(compiled), tuple(sorted((compiled.params or {}).items(), key=_first))


def _tables(metadata: Any) -> object:
    return tuple(repr(metadata.tables[name]) for name in sorted(metadata.tables))


def _mapped(attribute: Any) -> object:
    columns = getattr(attribute.property, "columns", ())
    return attribute.class_.__qualname__, attribute.key, tuple(map(repr, columns))


def _refused(value: Any) -> object:
    raise TypeError(f"a {type(value).__name__} has no content to compare")


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _resolved_omegaconf(config: Any) -> object:
    from omegaconf import OmegaConf

    kind = OmegaConf.get_type(config)
    about = (kind, OmegaConf.is_readonly(config), OmegaConf.is_struct(config))
    try:
        return about, OmegaConf.to_container(config, resolve=True)
    except Exception:  # an interpolation that leads nowhere: its text counts
        return about, OmegaConf.to_container(config, resolve=False)


def _section(section: Any) -> object:
    return section.name, _options(section.items, partial(section.parser.items, section.name, True))


def _parser(parser: Any) -> object:
    sections = {
        name: _options(partial(parser.items, name), partial(parser.items, name, True))
        for name in parser.sections()
    }
    return dict(parser.defaults()), sections


def _options(resolved: Callable[[], Iterable[Any]], written: Callable[[], Iterable[Any]]) -> object:
    with suppress(Exception):  # an interpolation that leads nowhere: its text counts
        return dict(resolved())
    return dict(written())


def _model(model: Any) -> object:
    """A model's fields, which of them were set, and what is private, without what it cached."""
    fields = type(model).model_fields
    held = vars(model)
    return (
        {name: held[name] for name in sorted(fields) if name in held},
        model.__pydantic_extra__,
        sorted(model.model_fields_set),
        dict(sorted((model.__pydantic_private__ or {}).items())),
    )


def _variable(variable: Any) -> object:
    return (
        tuple(map(str, variable.dims)),
        variable._data,
        dict(variable.attrs),
        dict(variable.encoding),
    )


def _data_array(array: Any) -> object:
    coordinates = {name: array.coords[name].variable for name in array.coords}
    return array.name, array.variable, coordinates


def _dataset(dataset: Any) -> object:
    variables = {name: dataset.variables[name] for name in dataset.variables}
    return variables, sorted(map(str, dataset.coords)), dict(dataset.attrs), dict(dataset.encoding)


def _unknown_function(applied: Any) -> object:
    function = applied.func
    return function.__name__, tuple(sorted(function._kwargs.items())), applied.args


_CLIENT: Final = _settings(
    *("base_url", "headers", "params", "cookies", "timeout", "follow_redirects", "trust_env"),
    "max_redirects",
)

# By the full name of a type, or of a base of it.
_KNOWN: Final[dict[str, Callable[[Any], object]]] = {
    # nothing to compare
    **dict.fromkeys(
        (
            *("_thread.RLock", "_thread._local", "_thread.lock", "_contextvars.Context"),
            *("asyncio.locks.Event", "asyncio.locks.Lock", "asyncio.locks.Semaphore"),
            *("concurrent.futures.process.ProcessPoolExecutor",),
            *("concurrent.futures.thread.ThreadPoolExecutor", "logging.Handler"),
            *("_threading_local.local", "threading.Barrier", "threading.BoundedSemaphore"),
            *("threading.Condition", "threading.Event", "threading.Semaphore"),
            *("multiprocessing.synchronize.SemLock", "weakref.finalize"),
        ),
        _nothing,
    ),
    "_contextvars.ContextVar": lambda variable: variable.name,
    "logging.Logger": lambda logger: logger.name,
    # configs
    "configparser.RawConfigParser": _parser,
    "configparser.SectionProxy": _section,
    "dynaconf.base.LazySettings": lambda settings: settings.as_dict(),
    "dynaconf.base.Settings": lambda settings: settings.as_dict(),
    "dynaconf.utils.boxing.DynaBox": lambda box: box.to_dict(),
    "omegaconf.basecontainer.BaseContainer": _resolved_omegaconf,
    "ruamel.yaml.comments.CommentedMap": lambda held: dict(held.items()),
    "ruamel.yaml.comments.CommentedSeq": lambda held: list(held),
    "tomlkit.items.Item": lambda held: held.unwrap(),
    "tomlkit.container.Container": lambda held: held.unwrap(),
    # models, queries, clients
    "pydantic.main.BaseModel": _model,
    "sqlalchemy.engine.base.Engine": _engine,
    "sqlalchemy.ext.asyncio.engine.AsyncEngine": lambda engine: _engine(engine.sync_engine),
    "sqlalchemy.orm.attributes.QueryableAttribute": _mapped,
    "sqlalchemy.orm.decl_api.registry": _nothing,
    "sqlalchemy.orm.instrumentation.ClassManager": _nothing,
    "sqlalchemy.orm.mapper.Mapper": lambda mapper: mapper.class_.__qualname__,
    "sqlalchemy.orm.state.InstanceState": _nothing,
    "sqlalchemy.sql.elements.ClauseElement": _statement,
    "sqlalchemy.sql.schema.Column": repr,
    "sqlalchemy.sql.schema.MetaData": _tables,
    "sqlalchemy.sql.schema.Table": repr,
    "sqlalchemy.sql.type_api.TypeEngine": repr,
    "unittest.mock.NonCallableMock": _refused,
    "httpx._client.BaseClient": _CLIENT,
    "httpx2._client.BaseClient": _CLIENT,
    # sciences
    "sympy.core.function.AppliedUndef": _unknown_function,
    "sklearn.utils._bunch.Bunch": lambda bunch: dict(bunch),
    "shapely.prepared.PreparedGeometry": lambda prepared: prepared.context,
    "xarray.core.dataarray.DataArray": _data_array,
    "xarray.core.dataset.Dataset": _dataset,
    "xarray.core.variable.Variable": _variable,
    "xarray.core.indexing.PandasIndexingAdapter": lambda adapter: adapter.array,
}
