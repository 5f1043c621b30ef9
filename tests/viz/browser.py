"""A headless Chromium, driven over the pipe that its DevTools protocol offers.

No driver package: the protocol is JSON over two pipes, and a dozen commands do. Only files
are opened; every host name is unknown to this browser.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

_LONGEST = 120.0  # seconds that anything may take; only what never comes does
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)

Rgb = tuple[int, int, int]


def chromium() -> str | None:
    """The browser's program, if there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class ProtocolError(RuntimeError):
    """The browser refused a command."""


class Browser:
    """One browser with one page.

    Args:
        program: the browser's file.
        environment: variables that differ from this process's.
    """

    def __init__(self, program: str, environment: Mapping[str, str] | None = None) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        read_commands, self._commands = os.pipe()
        self._answers, write_answers = os.pipe()
        command = [program, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"]
        # The protocol's pipes are file descriptors 3 and 4, whatever ours are.
        shell = f'exec "$@" 3<&{read_commands} 4>&{write_answers}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *command],
            env={**os.environ, **(environment or {})},
            pass_fds=(read_commands, write_answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_commands)
        os.close(write_answers)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        attached = self.do("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.do("Page.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next_answer()
            if answer.get("id") == self._number:
                break
        if "error" in answer:
            raise ProtocolError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _next_answer(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._answers, 1 << 20)
            if not data:
                raise RuntimeError("the browser is gone")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def open(
        self,
        path: Path,
        *,
        scheme: Literal["light", "dark"] = "light",
        width: int = 1000,
        height: int = 800,
    ) -> None:
        """Show a file, on a system that prefers light or dark."""
        self.do(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        self.do(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        # The answer to `navigate` can come while the old page is there, which may have this url.
        self.ask("window.isOld = true")
        self.do("Page.navigate", url=path.resolve().as_uri())
        self.until(
            "!window.isOld && document.readyState === 'complete'"
            f" && location.href === '{path.resolve().as_uri()}'"
        )

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true."""
        limit = time.monotonic() + _LONGEST
        while not self._holds(expression):
            if time.monotonic() > limit:
                raise AssertionError(f"never true in the page: {expression}")
            time.sleep(0.005)

    def _holds(self, expression: str) -> bool:
        try:
            return bool(self.ask(expression))
        except ProtocolError:  # asked between two pages, of which neither can answer
            return False

    def point_at(self, x: float, y: float) -> None:
        """Move the mouse there."""
        self.do("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key: str, text: str = "") -> None:
        """Press a key; ``text`` is what it types, if it types anything."""
        down = "keyDown" if text else "rawKeyDown"
        self.do("Input.dispatchKeyEvent", type=down, key=key, text=text)
        self.do("Input.dispatchKeyEvent", type="keyUp", key=key)

    def write(self, text: str) -> None:
        """Press the keys of a text."""
        for sign in text:
            self.press(sign, sign)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """A mouse event: ``Pressed``, ``Moved``, ``Released`` or ``Wheel``."""
        button = {} if kind == "Wheel" else {"button": "left", "clickCount": 1}
        name = "mouseWheel" if kind == "Wheel" else f"mouse{kind}"
        self.do("Input.dispatchMouseEvent", type=name, x=x, y=y, **button, **more)

    def click(self, x: float, y: float) -> None:
        """Click there."""
        self.mouse("Pressed", x, y)
        self.mouse("Released", x, y)

    def picture(self, width: int, height: int) -> Picture:
        """What the window shows in its upper left corner, at half its size."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 0.5}
        answer = self.do("Page.captureScreenshot", format="png", clip=clip)
        return Picture(base64.b64decode(answer["data"]))

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._commands)
        os.close(self._answers)
        self._process.kill()
        self._process.wait()
        self._profile.cleanup()


class Picture:
    """A screenshot: 8 bits a channel, which is all that Chromium writes."""

    def __init__(self, png: bytes) -> None:
        self.png = png
        self.width, self.height, depth, kind = (
            int.from_bytes(png[16:20], "big"),
            int.from_bytes(png[20:24], "big"),
            png[24],
            png[25],
        )
        assert (depth, kind) in ((8, 2), (8, 6)), "neither RGB nor RGBA"
        self._channels = 3 if kind == 2 else 4
        self._rows = self._unfiltered(zlib.decompress(b"".join(self._data(png))))

    @staticmethod
    def _data(png: bytes) -> list[bytes]:
        place, found = 8, []
        while place < len(png):
            length = int.from_bytes(png[place : place + 4], "big")
            if png[place + 4 : place + 8] == b"IDAT":
                found.append(png[place + 8 : place + 8 + length])
            place += length + 12
        return found

    def _unfiltered(self, raw: bytes) -> list[bytearray]:
        n, size = self._channels, self.width * self._channels
        above = bytearray(size)
        rows = []
        for start in range(0, len(raw), size + 1):
            kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + size])
            for x in range(size):
                left = row[x - n] if x >= n else 0
                if kind == 1:
                    row[x] = (row[x] + left) & 255
                elif kind == 2:
                    row[x] = (row[x] + above[x]) & 255
                elif kind == 3:
                    row[x] = (row[x] + (left + above[x]) // 2) & 255
                elif kind == 4:
                    corner = above[x - n] if x >= n else 0
                    row[x] = (row[x] + _paeth(left, above[x], corner)) & 255
            rows.append(row)
            above = row
        return rows

    def at(self, x: int, y: int) -> Rgb:
        """The colour of a px."""
        red, green, blue = self._rows[y][x * self._channels : x * self._channels + 3]
        return red, green, blue

    def colours(self) -> Counter[Rgb]:
        """How many px each colour has."""
        return Counter(self.at(x, y) for y in range(self.height) for x in range(self.width))


def _paeth(left: int, above: int, corner: int) -> int:
    """PNG's predictor: the one of the three that is nearest to left + above - corner."""
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def rgb(colour: str) -> Rgb:
    """``"#E8F2FB"`` as numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
