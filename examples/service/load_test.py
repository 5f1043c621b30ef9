"""Requests a second of the service on loopback, with the pipeline and by hand.

    hatch run service:load-test

Each way gets a server process of its own, and both are asked in turns, so that what else the
machine does falls on both alike. Medians of the turns are printed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

from examples.service.app import DEFAULT_MODEL

ROOT = Path(__file__).parents[2]
FLIGHT = {
    "carrier": "UA",
    "flight": 1545,
    "origin": "EWR",
    "dest": "IAH",
    "departure": "2013-12-31T18:15:00",
    "arrival_minute_of_day": 1300,
    "distance": 1400,
    "same_hour_departures": 30,
    "temp": 39.0,
    "late_by_carrier": 0.21,
}


@contextmanager
def served(model: Path, by_hand: bool) -> Iterator[int]:
    """A server process of the service; gives the port on loopback at which it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "examples.service.app:service"]
    options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    environment = {
        **os.environ,
        "LATE_FLIGHTS_MODEL": str(model),
        "LATE_FLIGHTS_BY_HAND": "1" if by_hand else "",
        "OMP_NUM_THREADS": "1",  # one row is no work to share
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    with subprocess.Popen(command + options, cwd=ROOT, env=environment) as server:
        try:
            wait_until_it_answers(port, server)
            yield port
        finally:
            server.terminate()


def wait_until_it_answers(port: int, server: subprocess.Popen[bytes]) -> None:
    """Return when the port takes connections.

    Raises:
        RuntimeError: the server ended, or didn't answer within five minutes.
    """
    last = time.monotonic() + 300
    while time.monotonic() < last and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the service on port {port} doesn't answer; see its messages above")


def ask(port: int, n_requests: int) -> list[float]:
    """The seconds that each of some requests took, one after another on one connection.

    Raises:
        RuntimeError: an answer other than 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    body = json.dumps(FLIGHT)
    seconds = []
    for _ in range(n_requests):
        started = time.perf_counter()
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        seconds.append(time.perf_counter() - started)
        if response.status != 200:
            raise RuntimeError(f"the service answered {response.status}: {text!r}")
    connection.close()
    return seconds


def turn(port: int, n_requests: int, n_clients: int) -> tuple[float, float]:
    """One turn: requests a second of all clients together, and the median milliseconds."""
    each = n_requests // n_clients
    started = time.perf_counter()
    with ThreadPoolExecutor(n_clients) as pool:
        taken = list(pool.map(ask, repeat(port, n_clients), repeat(each, n_clients)))
    rate = each * n_clients / (time.perf_counter() - started)
    return rate, 1000 * statistics.median(second for part in taken for second in part)


def compare(
    model: Path, n_requests: int, n_clients: int, n_turns: int
) -> dict[str, tuple[float, float]]:
    """Both ways in turns: requests a second and milliseconds, medians of the turns."""
    turns: dict[str, list[tuple[float, float]]] = {"pipeline": [], "by hand": []}
    with served(model, by_hand=False) as piped, served(model, by_hand=True) as handed:
        for port in (piped, handed):
            ask(port, 5)  # what is loaded on the first request is not what we measure
        for _ in range(n_turns):
            turns["pipeline"].append(turn(piped, n_requests, n_clients))
            turns["by hand"].append(turn(handed, n_requests, n_clients))
    return {
        way: (
            statistics.median(rate for rate, _ in measured),
            statistics.median(milliseconds for _, milliseconds in measured),
        )
        for way, measured in turns.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--requests", type=int, default=300, help="a turn")
    parser.add_argument("--clients", type=int, default=4, help="at once")
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    if not given.model.exists():
        parser.error(f"there is no model at {given.model}: hatch run flights")
    measured = compare(given.model, given.requests, given.clients, given.turns)
    print(f"{'':<10}{'requests/s':>11}{'ms each':>9}")
    for way, (rate, milliseconds) in measured.items():
        print(f"{way:<10}{rate:>11.0f}{milliseconds:>9.1f}")
    print(f"ratio {measured['pipeline'][0] / measured['by hand'][0]:.3f}")


if __name__ == "__main__":
    main()
