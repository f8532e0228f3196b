"""The teaching plan: python -m course.plan writes _build/course/plan.md from plan.yml."""

import functools
from pathlib import Path

import yaml

from course.build import TARGET
from course.plain import chapter_of, exercises, sections, title
from course.questions import HERE


@functools.cache
def read() -> dict:
    return yaml.safe_load((HERE / "plan.yml").read_text(encoding="utf-8"))


def as_markdown() -> str:
    parts = ["# Teaching plan"]
    for name, weeks in read().items():
        parts.append(f"## In {name}")
        parts += [week_text(number, week) for number, week in enumerate(weeks, 1)]
    return "\n\n".join(parts) + "\n"


def week_text(number: int, week: dict) -> str:
    read_this = ", ".join(f"“{sections()[s]}” (`{s}`)" for s in week["sections"])
    chapters = ", ".join(dict.fromkeys(title(chapter_of(s)) for s in week["sections"]))
    lines = [f"### Week {number}: {week['title']}", f"Chapters: {chapters}.", f"Read: {read_this}."]
    lines.append("Goals:\n" + "\n".join(f"- {goal}" for goal in week["goals"]))
    rows = sorted((exercises()[x] for x in week["exercises"]), key=lambda x: x.stars)
    lines.append(
        "Exercises:\n" + "\n".join(f"- {'★' * x.stars} {x.title} (`{x.label}`)" for x in rows)
    )
    if week.get("assignment"):
        lines.append(f'Assignment: `make course RULES="{" ".join(week["assignment"])}"`.')
    if week.get("exam"):
        lines.append(f"From the exam bank: {', '.join(f'`{x}`' for x in week['exam'])}.")
    return "\n\n".join(lines)


def write(target: Path = TARGET) -> Path:
    target.mkdir(parents=True, exist_ok=True)
    path = target / "plan.md"
    path.write_text(as_markdown(), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(f"The plan: {write()}")
