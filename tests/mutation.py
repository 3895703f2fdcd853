"""Do the tests notice when the code is wrong? python tests/mutation.py SECONDS [MUTANTS].

mutmut changes one thing at a time in the modules that pyproject.toml names; a sample of these
mutants (the same one each time) meets the tests that cover them. Printed: how many were noticed,
the score of each module, and the mutants that lived. At the end of its time it reports what it has.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).resolve().parents[1]
MUTANTS = ROOT / "mutants"
NOTICED = {"killed", "timeout", "segfault", "suspicious", "caught by type check"}
MUTMUT = [sys.executable, "-m", "mutmut", "run", "--max-children", "2"]


def generate() -> list[str]:
    """Write the mutants and learn which test covers what; give the mutants' names."""
    # A name that no mutant has: mutmut writes the mutants, runs the tests once, and stops there.
    done = subprocess.run([*MUTMUT, "none"], cwd=ROOT, capture_output=True, text=True)
    names = sorted(verdicts())
    if "nothing matches" not in done.stderr or not names:
        said = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        sys.exit(f"mutmut could not prepare ({done.returncode}):\n{said}")
    return names


def verdicts() -> dict[str, int | None]:
    """Give each mutant's exit code as mutmut stored it, None where it was not tried."""
    found: dict[str, int | None] = {}
    for path in MUTANTS.glob("viralkit/**/*.meta"):
        found |= json.loads(path.read_text("utf-8"))["exit_code_by_key"]
    return found


def run_for(seconds: float, sample: list[str]) -> None:
    """Let mutmut try the sample; at the end of the time stop it with all that it started."""
    work = subprocess.Popen(
        [*MUTMUT, *sample], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        if work.wait(timeout=seconds):
            sys.exit(f"mutmut ended with {work.returncode}")
    except subprocess.TimeoutExpired:
        print(f"time is over after {seconds:g} s")
    finally:
        stop(work)


def stop(work: "subprocess.Popen[bytes]") -> None:
    """Let mutmut finish what it writes, then end whatever of it still runs."""
    if work.poll() is None:
        work.send_signal(signal.SIGINT)
        try:
            work.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(work.pid, signal.SIGKILL)
            work.wait()


def report(sample: list[str]) -> None:
    """Print the score, by module and in all, and the names of the mutants that lived."""
    codes = verdicts()
    tried = {
        name: str(status_by_exit_code[codes[name]]) for name in sample if codes[name] is not None
    }
    modules: dict[str, Counter[bool]] = defaultdict(Counter)
    for name, status in tried.items():
        modules[name.rpartition(".")[0]][status in NOTICED] += 1
    lived = sorted(name for name, status in tried.items() if status not in NOTICED)
    for name in lived:
        print(f"lived: {name} ({tried[name]})")
    for module, count in sorted(modules.items()):
        print(f"{module:<40} {count[True]:>4} of {count.total():>4} noticed")
    if not tried:
        sys.exit("mutation: no mutant was tried in this time")
    score = 1 - len(lived) / len(tried)
    print(f"mutation score {score:.1%}: {len(tried)} of {len(codes)} mutants tried")
    print("One of them: python -m mutmut show NAME")


def main(seconds: float, size: int) -> None:
    """Generate, sample, try, report."""
    shutil.rmtree(MUTANTS, ignore_errors=True)
    names = generate()
    sample = random.Random(1).sample(names, min(size, len(names)))
    run_for(seconds, sample)
    report(sample)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 400)
