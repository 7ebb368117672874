"""Write docs/tasks/README.md from the tasks themselves: python docs/tasks/make.py."""

from __future__ import annotations

from pathlib import Path

from wearfm.evaluation.tasks import TASKS

HEAD = """# Tasks

One question to one data set, a file each in `src/wearfm/evaluation/tasks/`. Labels are facts of a person or events in time,
kept in the store. People are never split; windows are averaged up to the level of the label. This page is written by
`docs/tasks/make.py`.
"""


def page() -> str:
    """Return the text of the page."""
    sections = [HEAD]
    for name, task in TASKS.items():
        unit = f" ({task.unit})" if task.unit else ""
        lines = [
            f"## `{name}`",
            "",
            f"{task.question} {task.kind.capitalize()}{unit}, one label a {task.level}, judged by {task.metric}.",
        ]
        if task.demographics:
            lines.append(f"Demographics baseline: {', '.join(task.demographics)}.")
        lines.append(f"Data: {task.citation}.")
        for figure in task.published:
            source = f"{figure.value:g} ({figure.protocol})"
            lines.append(f"- published, {figure.model}: {source}. Not comparable: {figure.why_not}.")
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


if __name__ == "__main__":
    (Path(__file__).parent / "README.md").write_text(page())
