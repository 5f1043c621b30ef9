"""What is known about a flight before it leaves.

The rule against leakage lives here, and is kept by the shape of the functions. `split_known`
takes the flights apart into a *schedule* (known weeks ahead) and *outcomes* (known after
landing). Features are made from the schedule; outcomes enter through `late_rates` alone, and
only those of days that are over. Weather is the last observation of an hour before the
scheduled one, for that hour's own observation may be taken after take-off.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import Engine

from late_flights.config import Features
from late_flights.database import read_rows

__all__ = [
    "add_history",
    "add_planes",
    "add_weather",
    "load_flights",
    "load_planes",
    "load_weather",
    "split_known",
]

WEATHER = ["temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]


def load_flights(engine: Engine) -> pd.DataFrame:
    """All flights, with the columns that features and outcomes are made of."""
    columns = (
        "year, month, day, hour, minute, time_hour, sched_arr_time, arr_delay, "
        "carrier, flight, tailnum, origin, dest, distance"
    )
    return read_rows(engine, f"SELECT {columns} FROM flights")


def load_weather(engine: Engine) -> pd.DataFrame:
    """The weather at the three airports, by the hour."""
    return read_rows(engine, f"SELECT origin, time_hour, {', '.join(WEATHER)} FROM weather")


def load_planes(engine: Engine) -> pd.DataFrame:
    """The planes, with their year of manufacture and their seats."""
    return read_rows(engine, "SELECT tailnum, year AS built, seats FROM planes")


def split_known(flights: pd.DataFrame, late_minutes: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clean the flights and take apart what is known before from what is known after.

    Cancelled and diverted flights stay in the schedule: nobody knows beforehand that they
    won't arrive. They have no outcome.

    Args:
        flights: as loaded.
        late_minutes: more minutes than this after the time of arrival is late.

    Returns:
        The schedule, sorted by departure, and the outcomes: the column ``late`` (1.0, 0.0
        or missing) with the schedule's index.
    """
    departure = pd.to_datetime(flights[["year", "month", "day", "hour", "minute"]])
    arrival = flights["sched_arr_time"]
    schedule = pd.DataFrame(
        {
            "departure": departure,
            "day": departure.dt.normalize(),
            "hour_utc": pd.to_datetime(flights["time_hour"], utc=True),
            "carrier": flights["carrier"],
            "flight": flights["flight"],
            "tailnum": flights["tailnum"],
            "origin": flights["origin"],
            "dest": flights["dest"],
            "distance": flights["distance"],
            "minute_of_day": flights["hour"] * 60 + flights["minute"],
            "arrival_minute_of_day": arrival // 100 * 60 + arrival % 100,
            "weekday": departure.dt.day_of_week,
        }
    )
    delay = flights["arr_delay"]
    schedule["late"] = (delay > late_minutes).astype(float).where(delay.notna())
    order = ["departure", "origin", "carrier", "flight"]
    schedule = schedule.sort_values(order, kind="stable", ignore_index=True)
    outcomes = schedule[["late"]].copy()
    schedule = schedule.drop(columns="late")
    schedule["same_hour_departures"] = schedule.groupby(["origin", "hour_utc"])["day"].transform(
        "size"
    )
    return schedule, outcomes


def add_weather(schedule: pd.DataFrame, weather: pd.DataFrame, max_age_hours: int) -> pd.DataFrame:
    """Add the newest observation at the origin from before the scheduled hour.

    Args:
        schedule: sorted by departure.
        weather: as loaded.
        max_age_hours: older observations are left out: the columns are then missing.

    Returns:
        The schedule, same rows in the same order, with the columns of `WEATHER`.
    """
    observed = weather.assign(hour_utc=pd.to_datetime(weather["time_hour"], utc=True))
    observed = observed[["hour_utc", "origin", *WEATHER]].sort_values("hour_utc")
    joined = pd.merge_asof(
        schedule.reset_index().sort_values("hour_utc", kind="stable"),
        observed,
        on="hour_utc",
        by="origin",
        tolerance=pd.Timedelta(hours=max_age_hours),
        allow_exact_matches=False,
    )
    return joined.set_index("index").sort_index().rename_axis(None)


def add_planes(schedule: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Add the plane's age in years and its seats; missing where the register lacks it.

    Args:
        schedule: with ``tailnum`` and ``day``.
        planes: as loaded, one row per tail number.

    Returns:
        The schedule, same rows in the same order, with ``plane_age`` and ``seats``.
    """
    joined = schedule.merge(planes, on="tailnum", how="left", validate="many_to_one")
    joined["plane_age"] = joined["day"].dt.year - joined["built"]
    return joined.drop(columns="built")


def add_history(schedule: pd.DataFrame, outcomes: pd.DataFrame, how: Features) -> pd.DataFrame:
    """Add how often flights like this one were late, as known on the morning of its day.

    Args:
        schedule: with ``day``, ``carrier``, ``origin`` and ``dest``.
        outcomes: what became of those flights, same index.
        how: the lag, the window and the prior.

    Returns:
        The schedule with ``late_by_carrier``, ``late_by_dest``, ``late_by_route`` (since
        the first day) and ``late_recently_by_origin`` (over the recent days).
    """
    seen = schedule[["day", "carrier", "origin", "dest"]].assign(late=outcomes["late"])
    return schedule.assign(
        late_by_carrier=late_rates(seen, ["carrier"], how, window=None),
        late_by_dest=late_rates(seen, ["dest"], how, window=None),
        late_by_route=late_rates(seen, ["carrier", "origin", "dest"], how, window=None),
        late_recently_by_origin=late_rates(seen, ["origin"], how, window=how.recent_days),
    )


def late_rates(
    seen: pd.DataFrame, keys: Sequence[str], how: Features, window: int | None
) -> pd.Series[float]:
    """For each flight, the rate of late ones in its group up to ``history_lag_days`` before.

    Args:
        seen: ``day``, ``late`` (missing where there was no arrival) and the keys.
        keys: the columns that make a group.
        how: the lag and the prior.
        window: how many days count; None means all since the first.

    Returns:
        A rate for each row of ``seen``; missing while nothing at all is known.
    """
    by_day = seen.groupby(["day", *keys], observed=True)["late"]
    late = known_by_day(by_day.sum(), how.history_lag_days, window)
    arrived = known_by_day(by_day.count().astype(float), how.history_lag_days, window)
    overall = late.sum(axis=1) / arrived.sum(axis=1)
    weight = how.prior_weight
    rates = late.add(weight * overall, axis=0).div(arrived + weight)
    long = rates.melt(ignore_index=False, value_name="rate").reset_index()
    return seen.merge(long, on=["day", *keys], how="left")["rate"].set_axis(seen.index)


def known_by_day(daily: pd.Series[float], lag_days: int, window: int | None) -> pd.DataFrame:
    """Sums per group as known on each day: a row for every day of the calendar."""
    table = daily.unstack(list(range(1, daily.index.nlevels)))
    calendar = pd.date_range(table.index.min(), table.index.max(), name="day")
    table = table.reindex(calendar).fillna(0.0)
    summed = table.cumsum() if window is None else table.rolling(window, min_periods=1).sum()
    return summed.shift(lag_days)
