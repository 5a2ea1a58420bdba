"""Files that are meant to hurt: refused within a second, in one line, and never with a traceback."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headend.fault import Fault, SpecError, UnreadableSpecError
from headend.loader import load_spec, parse

EXAMPLE = Path("specs/example.yaml").read_text(encoding="utf-8")
SECONDS = 1.0
BYTES = 100 * 1024 * 1024


def laughs(width: int, levels: int) -> str:
    """Each level names the one below it `width` times: width ** levels values in a few lines."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(lines) + "\n"


HOSTILE: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "10 MB": (lambda: "# comment\n" * 1_000_000, "larger than 256 kB"),
    "a billion laughs": (lambda: laughs(9, 10), "more than 10000 values"),
    "many aliases": (lambda: laughs(60, 3), "more than 100 aliases"),
    "flow nesting": (lambda: "a: " + "[" * 200_000, "nested deeper than 20 levels"),
    "flow mappings": (lambda: "{a: " * 50_000, "nested deeper than 20 levels"),
    "block nesting": (lambda: "".join(" " * depth + "a:\n" for depth in range(600)), "nested deeper than 20 levels"),
    "dashes": (lambda: "- " * 100_000, "nested deeper than 20 levels"),
    "question marks": (lambda: "? " * 100_000, "nested deeper than 20 levels"),
    "many items": (lambda: "streams:\n" + "- x\n" * 60_000, "more than 10000 values"),
    "many keys": (lambda: "".join(f"k{index}: v\n" for index in range(20_000)), "more than 10000 values"),
    "many anchors": (lambda: "a: " + "".join(f"&a{index} " for index in range(10_000)), "1:8: "),
    "a huge number": (lambda: "a: " + "9" * 200_000, "unknown key"),
    "a huge key": (lambda: "a" * 1000 + ": 1\n", "<1000 characters>: unknown key"),
    "a huge text": (lambda: "site: " + "x" * 250_000, "must be a mapping, not the text '<250000 characters>'"),
    "UTF-16": (lambda: "site: {}\n".encode("utf-16"), "1:1: the file is not UTF-8"),
    "Latin-1": (lambda: "site:\n  # Grüße\n".encode("latin-1"), "2:7: the file is not UTF-8"),
    "a NUL byte": (lambda: b"site:\n  a\0b: 1\n", "2:4: control character U+0000"),
    "an escape sequence": (lambda: b"site: \x1b[31m\n", "1:7: control character U+001B"),
    "an ELF file": (lambda: b"\x7fELF\x02\x01\x01" + bytes(100), "control character U+007F"),
    "a next-line character": (lambda: "site: a\x85b\n", "1:8: control character U+0085"),
}


@contextmanager
def own_time() -> Iterator[Callable[[], float]]:
    """Seconds of the block's own work: not of another thread, nor of collecting what earlier tests have left."""
    gc.collect()
    gc.freeze()
    started = time.thread_time()
    try:
        yield lambda: time.thread_time() - started
    finally:
        gc.unfreeze()


def hostile_file(name: str, folder: Path) -> Path:
    content = HOSTILE[name][0]()
    path = folder / "spec.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_within_a_second_and_in_short_lines(name: str, tmp_path: Path) -> None:
    path = hostile_file(name, tmp_path)
    with own_time() as spent, pytest.raises(SpecError) as caught:
        load_spec(path)
    assert spent() < SECONDS
    assert HOSTILE[name][1] in str(caught.value)
    assert max(map(len, str(caught.value).splitlines())) < 500


@pytest.mark.parametrize("name", ["10 MB", "a billion laughs", "flow nesting", "many keys"])
def test_a_bomb_does_not_fill_the_memory(name: str, tmp_path: Path) -> None:
    path = hostile_file(name, tmp_path)
    tracemalloc.start()
    with pytest.raises(SpecError):
        load_spec(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < BYTES


@pytest.mark.parametrize("path", [Path("/nonexistent/spec.yaml"), Path("/"), Path("bad\0name")])
def test_a_file_that_cannot_be_read_is_one_fault(path: Path) -> None:
    with pytest.raises(UnreadableSpecError, match="cannot be read"):
        load_spec(path)


def test_an_endless_file_is_too_large() -> None:
    with pytest.raises(SpecError, match="larger than 256 kB"):
        load_spec(Path("/dev/zero"))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.encode())
    assert load_spec(path).streams[0].slug == "coffee-and-stocks"


def parse_or_fault(text: str) -> None:
    """Anything else than a spec or a SpecError fails the test by itself."""
    faults = faults_of(text)
    assert all(len(str(fault)) < 1000 for fault in faults)


def faults_of(text: str) -> tuple[Fault, ...]:
    try:
        parse(text, "spec.yaml")
    except SpecError as error:
        return error.faults
    return ()


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=200))
def test_random_text_never_yields_a_traceback(text: str) -> None:
    parse_or_fault(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@`#,? \n\t~<0.1x", max_size=120))
def test_random_yaml_never_yields_a_traceback(text: str) -> None:
    parse_or_fault(text)


LINES = EXAMPLE.splitlines()
VALUES = st.one_of(
    st.sampled_from(
        ["", "null", "true", "-1", "0", "1e9", "0x10", "'720'", "[]", "{}", "[1]", "{a: 1}", "~", "*a", "&a x"]
    ),
    st.text(max_size=20),
    st.integers().map(str),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([index for index, line in enumerate(LINES) if ": " in line.split("#")[0]]), VALUES)
def test_the_example_with_another_value_never_yields_a_traceback(index: int, value: str) -> None:
    key = LINES[index].split(": ")[0]
    parse_or_fault("\n".join([*LINES[:index], f"{key}: {value}", *LINES[index + 1 :]]) + "\n")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(EXAMPLE)), st.integers(0, 30), st.text(max_size=5))
def test_the_example_with_a_hole_never_yields_a_traceback(start: int, length: int, filling: str) -> None:
    parse_or_fault(EXAMPLE[:start] + filling + EXAMPLE[start + length :])
