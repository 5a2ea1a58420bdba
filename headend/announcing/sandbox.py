"""Where a template is filled: it sees a story, and can grow neither in length nor in time without bounds.

Jinja's own sandbox keeps templates from Python; not from asking it for a gigabyte of spaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import wraps
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes, pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

LONGEST: Final = 65_536
"""Characters of any value; three times what the longest place takes."""
VOLUME: Final = 128 * LONGEST
"""Characters of all values that are made, all together."""
STEPS: Final = 10_000
"""Turns of loops and calls, all together."""
LARGEST: Final = 2**63

# What cannot make more of little. Of those that work on text, a list would be written out, with the lists in it.
OF_TEXT = frozenset({
    "capitalize", "e", "escape", "float", "int", "lower", "replace", "safe", "string", "title", "trim",
    "truncate", "upper", "urlencode", "wordcount",
})  # fmt: skip
OTHERS = frozenset({
    "abs", "count", "d", "default", "first", "items", "join", "last", "length", "list", "map", "max", "min",
    "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique",
})  # fmt: skip
METHODS = frozenset({
    "upper", "lower", "title", "capitalize", "casefold", "strip", "lstrip", "rstrip", "removeprefix",
    "removesuffix", "startswith", "endswith", "find", "count", "index", "isdigit", "isalpha", "isupper",
    "islower", "isspace", "split", "rsplit", "splitlines", "partition", "rpartition", "items", "keys",
    "values", "get", "strftime", "isoformat", "date", "time", "timestamp", "weekday", "isoweekday",
    "total_seconds",
})  # fmt: skip
VALUES = (str, bytes, int, float, list, tuple, dict, date, timedelta)
SINGLE = (str, int, float, datetime, date, timedelta, type(None), Undefined)


class Sandbox(ImmutableSandboxedEnvironment):
    """For one filling of one template."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, finalize=_single
        )
        self._steps, self._volume = STEPS, VOLUME
        self.concat = self._put_together  # type: ignore[method-assign]
        self.globals = {"range": range, "namespace": self.globals["namespace"]}
        self.filters = {name: self._bounded(FILTERS[name], texts=name in OF_TEXT) for name in OF_TEXT | OTHERS}
        self.filters |= {"counted": self._counted, "replace": self._replaced, "join": self._join}

    def fill(self, text: str, variables: Mapping[str, object]) -> str:
        """The template with its variables. Raises TemplateError, and what Python raises at what it is asked for."""
        tree = _Rewritten().visit(self.parse(text))
        tree.set_environment(self)
        return self.from_string(tree).render(variables)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Numbers, within bounds; of the rest only + for two of a kind."""
        if operator in {"*", "+", "%"} and isinstance(left, int | float) and isinstance(right, int | float):
            made = super().call_binop(context, operator, left, right)
            if abs(made) >= LARGEST:
                raise TemplateError("a number is too large")
            return made
        if operator == "+" and type(left) is type(right) and isinstance(left, str | list | tuple):
            self._check(len(left) + len(right))
            return left + right
        raise TemplateError(f"{operator} is not for templates, but for numbers")

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Also no method that makes more of little."""
        known = not isinstance(obj, VALUES) or not callable(value) or attr in METHODS
        return known and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """None is made: a format can ask for any width."""

    def call(__self, __context: Context, __obj: Any, *args: Any, **more: Any) -> Any:  # noqa: N805
        """A step each."""
        __self._step()
        return __self._checked(super().call(__context, __obj, *args, **more))

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise TemplateError(f"it takes more than {STEPS} steps")

    def _check(self, length: int) -> None:
        self._volume -= length
        if length > LONGEST or self._volume < 0:
            raise TemplateError(f"it gets longer than {LONGEST} characters")

    def _checked(self, value: Any) -> Any:
        if isinstance(value, str | bytes | list | tuple | range):
            self._check(len(value))
        return value

    @pass_context
    def _counted(self, _context: Context, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self._step()
            yield value

    def _put_together(self, parts: Iterable[str]) -> str:
        kept = []
        for part in parts:
            self._check(len(part))
            kept.append(part)
        return str(self._checked("".join(kept)))

    def _join(self, value: Iterable[Any], d: str = "") -> str:
        parts: list[str] = []
        for one in value:
            parts += [str(_single(one))] if not parts else [str(d), str(_single(one))]
        return self._put_together(parts)

    def _replaced(self, s: Any, old: str, new: str, count: int | None = None) -> str:
        text, before, after = str(_single(s)), str(old), str(new)
        times = text.count(before) if count is None else min(text.count(before), max(0, count))
        self._check(len(text) + times * max(0, len(after) - len(before)))
        return text.replace(before, after, times)

    def _bounded(self, apply: Callable[..., Any], *, texts: bool) -> Callable[..., Any]:
        @wraps(apply)
        def applied(*args: Any, **more: Any) -> Any:
            # Some take the context or the environment first.
            for one in args if texts else ():
                if isinstance(one, list | tuple | dict):
                    _single(one)
            return self._checked(apply(*args, **more))

        return applied


class _Rewritten(NodeTransformer):
    """Every loop is counted, and what is put together is measured first."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return nodes.Filter(nodes.List(node.nodes), "join", [], [], None, None, lineno=node.lineno)


def _single(value: Any) -> Any:
    """What can be written out; a list in lists would be longer than anybody counts."""
    if not isinstance(value, SINGLE):
        raise TemplateError("a list is not text; join it")
    return value
