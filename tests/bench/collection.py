"""``python collection.py``: what garbage collection costs an event, in microseconds, as JSON.

The engine collects before and after each turn, and a turn that does nothing is hardly more than that.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import dukpy

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from swproxy.realm.main import warm_realm
from swproxy.web import manifest

TURNS = 2000


def turn_time(turn: object) -> float:
    times = []
    for _ in range(TURNS):
        start = time.perf_counter()
        turn()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def main() -> None:
    empty = dukpy.JSInterpreter()
    engine = warm_realm(internal_frames=False).engine

    def nothing() -> None:
        engine.turn({"kind": "load", "path": manifest.ENTRY})  # it is loaded

    figures = {"empty": turn_time(lambda: empty.evaljs("0")), "platform": turn_time(nothing)}
    # What is about the worker's registration needs one, and fails here.
    names = json.dumps(list(manifest.LAZY))
    engine.evaluate(f"for (const name of {names}) try {{ void self[name] }} catch {{}}", "https://bench.test/")
    figures["everything"] = turn_time(nothing)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
