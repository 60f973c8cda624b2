"""SIGTERM ends a command in order, however often it is sent."""

from __future__ import annotations

import subprocess
import sys

from infra.root import ROOT

PROGRAM = """
import os, signal, time
from infra.cli.termination import interrupt_on_sigterm
interrupt_on_sigterm()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
except KeyboardInterrupt:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)
    print("cleaned up")
"""


def test_a_second_one_does_not_end_the_clean_up() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(done)
    assert (done.returncode, done.stdout, done.stderr) == (0, "cleaned up\n", "")
