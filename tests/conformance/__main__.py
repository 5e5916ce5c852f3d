"""``python -m tests.conformance CHECK FILE``: prints ``equal/total`` and the first difference; exit 1 on one."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from tests.conformance.report import Report

CHECKS = {
    "easy": "tests.conformance.easy",
    "pyss": "tests.conformance.pyss",
    "kueue-cases": "tests.conformance.kueue_cases",
    "kueue-des": "tests.conformance.kueue_des",
    "analytic": "tests.conformance.analytic",
}


def run(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("file", type=Path, nargs="+")
    parser.add_argument(
        "--procs", type=int, help="easy: processors of the machine; else from the file's name"
    )
    parser.add_argument("--policy", default="all", help="easy, pyss: one policy, or all")
    parser.add_argument(
        "--through", choices=("core", "model"), default="core", help="kueue-des: what plays the scenarios"
    )
    parser.add_argument("--families", default="", help="kueue-des: only these, e.g. ABG")
    asked = parser.parse_args(arguments)
    try:
        module = importlib.import_module(CHECKS[asked.check])
    except ModuleNotFoundError as error:
        parser.error(f"{asked.check}: {error}")
    options: dict[str, object] = {}
    if asked.check in ("easy", "pyss"):
        options = {"procs": asked.procs, "policy": asked.policy}
    elif asked.check == "kueue-des":
        options = {"through": asked.through, "families": asked.families}
    passed = True
    for path in asked.file:
        if not path.is_file():
            parser.error(f"no such file: {path}")
        report: Report = module.check(path, **options)
        print(f"{path.name}: {report}")
        passed = passed and report.passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(run())
