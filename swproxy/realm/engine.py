"""QuickJS as dukpy gives it, closed to the scripts that run inside.

dukpy hands its host function to every evaluation as the globals ``call_python`` and ``dukpy``. ``infra/bootstrap.js``
turns both into accessors that swallow what dukpy sets and answer undefined. What the ``dukpy`` setter is given begins
a *turn* if it carries a token that no script can read: it asks the host for one message and works on that.
"""

import json
import logging
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import dukpy
import msgspec
from dukpy import _dukpy

from swproxy.errors import ScriptError, SwproxyError

log = logging.getLogger(__name__)


Operation = Callable[..., Any]

# In the engine's stacks, code that eval() compiled is the runtime's own from this line on.
RUNTIME_LINE = 20_000
BOOTSTRAP = Path(__file__).parent.parent / "web" / "infra" / "bootstrap.js"


class TurnBudgetExceeded(BaseException):
    """A turn ran longer than its budget; the engine must not be used any more."""


class EngineUnusable(BaseException):
    """Promise jobs were left over when one of them failed for want of memory: nothing can run here any more."""


class EngineBusy(Exception):
    """dukpy runs no script from within a promise job."""


class Pending:
    """What an operation returns when its answer comes later, with a turn of the kind "settle"."""

    __slots__ = ("id",)

    def __init__(self, id: int) -> None:  # noqa: A002, it is one
        self.id = id


class ModuleLoader:
    """What dukpy asks for the source of a module: the URL is the module's name.

    ``source`` and ``resolve`` are the realm's. What they raise comes to ``faults``, for dukpy drops it.
    """

    def __init__(self) -> None:
        self.linking = False
        self.faults: list[SwproxyError] = []
        self.source: Callable[[str], str] = _nothing_to_load
        self.resolve: Callable[[str, str], str] = _nothing_to_resolve

    def load(self, name: str) -> tuple[str, str, str]:
        if name == DYNAMIC_IMPORT:
            return name, 'throw new TypeError("import() is disallowed in a service worker");', "module"
        if name == LINKED:
            # The first module that runs. Its microtask comes after the last one, unless a module awaits something.
            return name, "dukpy = 1; Promise.resolve().then(() => { dukpy = 1; });", "module"
        try:
            return name, self.source(name), "module"
        except SwproxyError as error:
            self.faults.append(error)
            raise

    def normalize(self, base: str, specifier: str) -> str:
        if specifier == LINKED:
            return specifier
        if not self.linking:
            return DYNAMIC_IMPORT
        try:
            return self.resolve(base, specifier)
        except SwproxyError as error:
            self.faults.append(error)
            raise


LINKED = "swproxy:linked"
DYNAMIC_IMPORT = "swproxy:dynamic-import"


def _nothing_to_say() -> Mapping[str, Any]:
    raise LookupError


def _nothing_to_load(url: str) -> str:
    raise LookupError(url)


def _nothing_to_resolve(base: str, specifier: str) -> str:
    raise LookupError(specifier)


class Engine(dukpy.JSInterpreter):  # type: ignore[misc]
    """One QuickJS runtime with one context.

    Args:
        operations: the host functions by name; each takes and returns what JSON can carry, or returns a
            ``Pending``. A ``SwproxyError`` becomes the JavaScript error of its ``name``. What is no ``Exception``
            at all comes out of the turn, and the engine must not be used any more.
        internal_frames: show the runtime's own stack frames, for those who work on it.

    Attributes:
        abandon: called with that if the script has caught it and goes on calling operations. It does not return.
    """

    def __init__(self, operations: Mapping[str, Operation], *, internal_frames: bool = False) -> None:
        # Not JSInterpreter.__init__: it publishes os.environ and a require() that reads files.
        self._ctx = _dukpy.create_context()
        self.operations = dict(operations)
        self.modules = ModuleLoader()
        self.turn_budget = 0.0
        self._token = secrets.token_hex(16)
        self._begin_turn = _encode({"token": self._token, "kind": "turn"})
        self._next_message: Callable[[], Mapping[str, Any]] = _nothing_to_say
        self._depth = 0
        bootstrap = BOOTSTRAP.read_bytes()
        self._next_line = bootstrap.count(b"\n") + 2  # frames in the lines before are the bootstrap's
        self._completed = False
        self._linked = 0
        self._awaited = False
        self._fatal: BaseException | None = None
        self.abandon: Callable[[BaseException], None] | None = None
        self.operations["op_completed"] = self._complete
        setup = {"token": self._token, "internalFrames": internal_frames, "runtimeLine": RUNTIME_LINE}
        self._eval(bootstrap, _encode(setup))

    # what dukpy calls

    @property
    def loader(self) -> ModuleLoader:
        return self.modules

    def _check_exported_function_exists(self, name: bytes) -> bool:
        return True

    def _call_python(self, name: bytes, arguments: bytes) -> bytes | None:
        if self._fatal is not None:  # and the script goes on all the same
            if self.abandon is not None:
                self.abandon(self._fatal)
            raise self._fatal
        if name == b"op_next_message":
            return self._message()
        operation = name.decode()
        try:
            try:
                values = msgspec.json.decode(arguments)
            except msgspec.DecodeError:  # a lone surrogate, or nesting that msgspec refuses
                values = json.loads(arguments)
            result = self.operations[operation](*values)
        except SwproxyError as error:
            return _encode([error.name, str(error)])
        except Exception:
            log.exception("operation %s failed", operation)
            return _encode(["InternalError", f"{operation} failed"])
        except BaseException as error:
            # dukpy makes a JavaScript error of it, that a script can catch.
            self._fatal = error
            raise
        if result is None:
            return None
        return _encode([result.id, 0, 0] if type(result) is Pending else [result])

    def _normalize_module(self, base: str, specifier: str) -> str:
        return self.modules.normalize(base, specifier)

    # what the realm calls

    def turn(self, message: Mapping[str, Any]) -> None:
        """Hands one message to JavaScript and runs it, with all microtasks, to the end.

        Raises:
            ScriptError: a promise was rejected and nobody handled it.
            TurnBudgetExceeded: it took longer than ``turn_budget`` seconds.
        """
        self.next_turn(lambda: message)

    def next_turn(self, wait: Callable[[], Mapping[str, Any]]) -> None:
        """As ``turn``, with the message that ``wait`` returns; what it raises comes out of the turn.

        dukpy collects garbage before it runs anything: a message that comes later need not wait for that.
        """
        self._next_message = wait
        self._eval(b"", self._begin_turn)

    def _message(self) -> bytes:
        try:
            message = self._next_message()
        except BaseException as error:
            self._fatal = error
            raise
        self._start_budget()
        return _encode([message])

    def evaluate(self, source: str, url: str) -> ScriptError | None:
        """Runs a classic script in the global scope; its top-level declarations are shared with all others.

        Returns:
            The rejection that nobody handled, if the script ran to its end and left one.

        Raises:
            ScriptError: it does not parse, or it threw.
            EngineBusy: a promise job is running.
        """
        base, self._next_line = self._next_line, self._next_line + source.count("\n") + 2
        padded = "\n" * (base - 1) + source + "\n;dukpy = 0"
        message = {"token": self._token, "kind": "source", "base": base, "url": url}
        return self._evaluate(padded, message, as_module=False)

    def evaluate_module(self, url: str) -> ScriptError | None:
        """Links and runs the module script ``url``, with the sources of ``modules``; else as ``evaluate``.

        Raises:
            ScriptError: also for top-level await, which service workers do not have.
            SwproxyError: a module could not be had.
        """
        entry = f'import "{LINKED}"; import {json.dumps(url)}; dukpy = 0'
        self.modules.linking = True
        self.modules.faults.clear()
        self._linked = 0
        self._awaited = False
        try:
            return self._evaluate(entry, {"token": self._token, "kind": "module"}, as_module=True)
        except ScriptError:
            if self.modules.faults:
                raise self.modules.faults[0] from None
            raise
        finally:
            self.modules.linking = False

    def _evaluate(self, source: str, message: Mapping[str, Any], *, as_module: bool) -> ScriptError | None:
        importer_has_completed, self._completed = self._completed, False
        try:
            return self._evaluate_now(source, message, as_module)
        finally:
            self._completed = importer_has_completed

    def _evaluate_now(self, source: str, message: Mapping[str, Any], as_module: bool) -> ScriptError | None:
        try:
            self._eval(source.encode("utf-8", "surrogatepass"), _encode(message), as_module)
        except ScriptError as error:
            if not self._completed:
                raise
            rejection: ScriptError | None = error
        else:
            rejection = None
        if as_module and (self._awaited or not self._completed):
            raise ScriptError("TypeError: Top-level await is not allowed in a service worker.")
        return rejection

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While the host waits for something on behalf of a script, the turn's budget does not run."""
        remaining, interval = signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            yield
        finally:
            if remaining:
                signal.setitimer(signal.ITIMER_REAL, remaining, interval)

    def _complete(self, what: int) -> None:
        if what == 1:
            self.modules.linking = False
            self._linked += 1
        else:
            self._completed = True
            self._awaited = self._linked > 1

    def _eval(self, source: bytes, variables: bytes, as_module: bool = False) -> None:
        if source and not self._depth:
            self._start_budget()
        self._depth += 1
        try:
            _dukpy.eval_string(self, source, variables, as_module, "swproxy:entry")
            if self._fatal is not None:
                raise self._fatal
        except _dukpy.JSRuntimeError as error:
            if self._fatal is not None:
                raise self._fatal from None
            if str(error).startswith("Cannot call evaljs while"):
                raise EngineBusy from None
            if str(error).startswith("DukPy interpreter context is unusable"):
                raise EngineUnusable from None
            raise script_error(str(error)) from None
        except UnicodeDecodeError as error:  # what was thrown has lone surrogates in its text
            raise script_error(error.object.decode("utf-8", "replace")) from None
        finally:
            self._depth -= 1
            if self.turn_budget and not self._depth:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def _start_budget(self) -> None:
        if self.turn_budget:
            signal.signal(signal.SIGALRM, self._interrupt)
            signal.setitimer(signal.ITIMER_REAL, self.turn_budget, 0.05)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._fatal = TurnBudgetExceeded()
        raise self._fatal


def _encode(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # a lone surrogate, which JSON can escape
        return json.dumps(value).encode()


def script_error(text: str) -> ScriptError:
    """Takes apart what dukpy makes of a JavaScript exception: the message, then the value of ``stack``."""
    message, _, rest = text.partition("\n")
    frames = [line for line in rest.split("\n") if line.startswith("    at ")]
    if not frames:
        return ScriptError(message)
    place = frames[0].removeprefix("    at ").rpartition(" ")[2].strip("()")
    url, line, column = [*place.rsplit(":", 2), "", ""][:3]
    if not (line.isdigit() and column.isdigit()):
        return ScriptError(message, stack="\n".join(frames))
    return ScriptError(message, url, int(line), int(column), "\n".join(frames))
