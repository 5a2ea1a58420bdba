"""libFuzzer on the plain C files: builds the targets of fuzz/, runs them from corpus/, measures what that covers.

The tests of this folder replay the corpus, and fuzz for a while. To fuzz for longer and keep what it finds:

    python -m tests.srt_module.fuzzing --seconds 600
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from tests.srt_module.parsers import HERE, PARSERS, SANITIZE, compile_parsers

CORPUS = HERE / "corpus"
TARGETS = tuple(sorted(path.stem for path in (HERE / "fuzz").glob("*.c")))

FUZZER = "-fsanitize=fuzzer"
COVERAGE = ("-g", "-O0", "-fprofile-instr-generate", "-fcoverage-mapping")

# Twice the longest stream id; more only makes mutation slower.
LONGEST_INPUT = 1024

# An input that takes longer, in seconds, is a finding too.
INPUT_TIMEOUT = 5


def build(name: str, folder: Path) -> Path:
    """A target under both sanitizers."""
    return compile_parsers("clang", [HERE / "fuzz" / f"{name}.c"], folder / name, FUZZER, *SANITIZE)


def replay(program: Path, corpus: Path) -> subprocess.CompletedProcess[str]:
    """Run every input of a corpus once."""
    files = [str(path) for path in sorted(corpus.iterdir())]
    return subprocess.run([program, *files], capture_output=True, text=True, check=False)


def start(program: Path, folder: Path, seconds: int) -> subprocess.Popen[str]:
    """Begin to fuzz from the committed corpus; finds go to the folder, and a crash as well."""
    (folder / "found").mkdir()
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-timeout={INPUT_TIMEOUT}"]
    options += [f"-artifact_prefix={folder}/", "-print_final_stats=1"]
    argv = [str(program), *options, str(folder / "found"), str(CORPUS / program.name)]
    log = (folder / "log").open("w")
    with log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, text=True)


def fuzz(names: Sequence[str], folder: Path, seconds: int) -> dict[str, str]:
    """Fuzz targets side by side; what went wrong by target, with the input in hexadecimal. Empty when nothing did."""
    running = {}
    for name in names:
        (folder / name).mkdir()
        (folder / "bin").mkdir(exist_ok=True)
        running[name] = start(build(name, folder / "bin"), folder / name, seconds)
    wrong = {}
    for name, process in running.items():
        try:
            process.wait(seconds + 120)
        finally:
            process.kill()
        inputs = [path.read_bytes().hex() for path in (folder / name).iterdir() if path.name.count("-")]
        if process.returncode or inputs:
            wrong[name] = f"{(folder / name / 'log').read_text()[-3000:]}\ninput: {' '.join(inputs)}"
    return wrong


def branch_coverage(folder: Path) -> dict[str, float]:
    """Per cent of the branches of each parser that the corpus takes, and of all under "all"."""
    programs, profiles = [], []
    for name in TARGETS:
        source, program = HERE / "fuzz" / f"{name}.c", folder / f"{name}.cov"
        programs.append(str(compile_parsers("clang", [source], program, FUZZER, *COVERAGE)))
        profiles.append(f"{program}.profraw")
        files = [str(path) for path in sorted((CORPUS / name).iterdir())]
        environment = {"LLVM_PROFILE_FILE": profiles[-1]}
        subprocess.run([programs[-1], *files], env=environment, check=True, capture_output=True)
    merged = str(folder / "profdata")
    subprocess.run(["llvm-profdata", "merge", "-o", merged, *profiles], check=True)
    objects = [option for program in programs[1:] for option in ("-object", program)]
    argv = ["llvm-cov", "export", "-summary-only", f"-instr-profile={merged}", programs[0], *objects]
    done = subprocess.run([*argv, *map(str, PARSERS)], check=True, capture_output=True, text=True)
    (report,) = json.loads(done.stdout)["data"]
    covered = {Path(file["filename"]).name: file["summary"] for file in report["files"]} | {"all": report["totals"]}
    return {name: float(summary["branches"]["percent"]) for name, summary in covered.items()}


def grow(name: str, program: Path, found: Path) -> int:
    """Take into the corpus what adds an edge to it; the number of inputs then."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("-merge=1", "-use_counters=0", "-use_value_profile=0", f"-max_len={LONGEST_INPUT}")
        argv = [str(program), *options, folder, str(CORPUS / name), str(found)]
        subprocess.run(argv, check=True, capture_output=True)
        for path in Path(folder).iterdir():
            content = path.read_bytes()
            (CORPUS / name / sha256(content).hexdigest()[:10]).write_bytes(content)
    return len(list((CORPUS / name).iterdir()))


def main() -> int:
    """Fuzz for a time and grow the corpus; exit status 1 with the input when something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headend-fuzz-") as name:
        folder = Path(name)
        wrong = fuzz(TARGETS, folder, options.seconds)
        for target, report in wrong.items():
            print(f"{target}: {report}")
        if wrong:
            return 1
        for target in TARGETS:
            print(f"{target}: {grow(target, folder / 'bin' / target, folder / target / 'found')} inputs")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
