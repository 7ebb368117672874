"""Write a report as a page of Markdown: python docs/results/make.py demo/report/report.json > docs/results/NAME.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any


def page(report: dict[str, Any]) -> str:
    """Return the page of a report."""
    models = list(dict.fromkeys(score["model"] for result in report["results"] for score in result["scores"]))
    lines = [
        f"# {report['command']}",
        "",
        circumstances(report),
        "",
        "| task | metric | judged on | " + " | ".join(models) + " |",
        "|---|---|---|" + "---|" * len(models),
    ]
    for result in report["results"]:
        scores = {score["model"]: score["interval"] for score in result["scores"]}
        cells = [figure(scores[model]) if model in scores else "" for model in models]
        people = f"{result['participants']} people, {result['rows']} {result['level']}s; {result['teachers']} more teach"
        lines.append(f"| {result['task']} | {result['metric']} {result['unit']} | {people} | " + " | ".join(cells) + " |")
    lines += ["", "## In words", ""]
    lines += [f"- **{result['task']}**: {result['verdict'] or result['unanswered']}" for result in report["results"]]
    lines += published(report)
    failed = [check for check in checks(report) if not check["passed"]]
    lines += ["", "## Checks that did not pass", ""] + ([f"- {c['name']}: {c['text']}" for c in failed] or ["None."])
    return "\n".join(lines) + "\n"


def figure(interval: dict[str, float]) -> str:
    """Return value and interval, three digits each."""
    if interval["low"] is None:
        return f"{interval['value']:.3g}"
    return f"{interval['value']:.3g} ({interval['low']:.3g} to {interval['high']:.3g})"


def published(report: dict[str, Any]) -> list[str]:
    """Return lines on what others reported."""
    lines = ["", "## Published figures, for orientation", ""]
    for result in report["results"]:
        for each in result["published"]:
            why = "" if each["matches"] else f"; protocols differ: {each['why_not']}"
            lines.append(f"- {result['task']}: {each['model']} {each['value']:.3g} {each['metric']} ({each['protocol']}{why})")
    return lines


def checks(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all checks, those of the tasks named."""
    own = [{**c, "text": f"{r['task']}: {c['text']}"} for r in report["results"] for c in r["checks"]]
    return [*report["checks"], *own]


def circumstances(report: dict[str, Any]) -> str:
    """Return hardware, software, commit and fingerprints."""
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ": unknown")
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    return "\n".join(
        (
            f"- hardware: {cpu.split(':')[1].strip()}, {os.cpu_count()} cores, {platform.system()}",
            f"- commit: {commit}; {versions}",
            f"- report fingerprint: {report['fingerprint'][:16]}, store {report['store_fingerprint'][:16]}",
            "- intervals: 95 %, bootstrap over participants; people whom pretraining has seen only teach the probes",
        )
    )


if __name__ == "__main__":
    sys.stdout.write(page(json.loads(Path(sys.argv[1]).read_text())))
