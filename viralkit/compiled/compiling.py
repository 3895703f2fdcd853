"""How the kernels of this folder are compiled: at their first call, kept on disk where possible."""

import os
import sys
import time
from collections.abc import Callable
from threading import Lock, Timer
from typing import Any, Generic, ParamSpec, TypeVar

import numba
import numpy as np

Given = ParamSpec("Given")
Result = TypeVar("Result")
PATIENCE = 2.0  # seconds of compilation, all kernels together, before a line says so
LOCK = Lock()
TYPE_OF: Callable[[Any], Any] = numba.typeof


class Kernel(Generic[Given, Result]):
    """A function that numba compiles when it is first called with arguments of some dtypes."""

    spent = 0.0  # seconds, by all kernels

    def __init__(self, function: Callable[Given, Result]) -> None:
        self.function = function
        self.ready: set[tuple[Any, ...]] = set()
        self.dispatcher = kept_on_disk(function)

    def __call__(self, *arguments: Given.args, **named: Given.kwargs) -> Result:
        """Run the compiled function."""
        key = tuple(map(kind_of, arguments))
        if key not in self.ready:
            self.prepare(tuple(TYPE_OF(argument) for argument in arguments))
            self.ready.add(key)
        result: Result = self.dispatcher(*arguments)
        return result

    def prepare(self, signature: tuple[Any, ...]) -> None:
        """Compile for these dtypes, or load from the cache; say so where it takes long."""
        with LOCK:
            start = time.monotonic()
            notice = Timer(max(PATIENCE - Kernel.spent, 0.0), say)
            notice.daemon = True
            if Kernel.spent < PATIENCE:  # else it was said before
                notice.start()
            try:
                self.compile(signature)
            finally:
                notice.cancel()
                Kernel.spent += time.monotonic() - start

    def compile(self, signature: tuple[Any, ...]) -> None:
        """Compile; without a cache where the disk refuses to keep the result."""
        try:
            self.dispatcher.compile(signature)
        except OSError:
            self.dispatcher = numba.njit(nogil=True)(self.function)
            self.dispatcher.compile(signature)


def kind_of(argument: Any) -> Any:
    """What numba's type of an argument depends on: far quicker to tell than that type."""
    if type(argument) is np.ndarray:
        flags = argument.flags
        layout = flags.c_contiguous, flags.f_contiguous, flags.writeable, flags.aligned
        return argument.dtype, argument.ndim, layout
    if isinstance(argument, tuple):
        return tuple(map(kind_of, argument))
    return type(argument)


def kept_on_disk(function: Callable[..., Any]) -> Any:
    """The function for numba, with a cache where any of its cache folders can be written to."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba: no locator available
        return numba.njit(nogil=True)(function)


def say() -> None:
    """Tell on the error stream, as progress bars do (and silent where they are), what goes on."""
    if os.environ.get("TQDM_DISABLE", "0") in ("", "0"):
        line = "viralkit compiles its loops (once: they are kept on disk where possible)."
        print(line, file=sys.stderr, flush=True)


def kernel(function: Callable[Given, Result]) -> Kernel[Given, Result]:
    """A loop to be compiled at its first call."""
    return Kernel(function)


def part(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """A piece of a kernel in the same file, compiled along with it."""
    compiled: Callable[Given, Result] = numba.njit(nogil=True)(function)
    return compiled
