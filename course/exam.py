"""The exam bank: python -m course.exam [ID, SECTION or CHAPTER ...]

Writes _build/course/exam.md, the questions, and exam-answers.md, with answers and rubrics; a name
chooses the question of that id, or all on that section or chapter.
"""

import argparse
from pathlib import Path

import yaml

from course.build import TARGET
from course.plain import chapter_of, sections
from course.questions import HERE

KINDS = {"compute", "explain", "prove", "debug"}


def read() -> list[dict]:
    return yaml.safe_load((HERE / "exam.yml").read_text(encoding="utf-8"))


def points(question: dict) -> int:
    return sum(int(line.partition(":")[0]) for line in question["rubric"])


def as_markdown(question: dict, number: int, *, answered: bool) -> str:
    of = sections()[question["section"]]
    head = f"## {number}. {'★' * question['stars']} ({points(question)} points)"
    text = f"{head}\n\n{question['question'].strip()}\n"
    if not answered:
        return text
    rubric = "\n".join(f"- {line.replace(': ', ' for: ', 1)}" for line in question["rubric"])
    about = (
        f"`{question['id']}`, {question['minutes']} minutes, on “{of}” (`{question['section']}`)"
    )
    return f"{text}\n**Answer.** {question['answer'].strip()}\n\n{rubric}\n\n{about}\n"


def write(chosen: list[dict], target: Path = TARGET) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name, answered in (("exam", False), ("exam-answers", True)):
        parts = [as_markdown(q, n, answered=answered) for n, q in enumerate(chosen, 1)]
        total = sum(map(points, chosen))
        minutes = sum(q["minutes"] for q in chosen)
        head = f"# Exam: {len(chosen)} questions, {total} points, {minutes} minutes\n"
        (target / f"{name}.md").write_text("\n".join([head, *parts]), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    names = parser.parse_args().names
    chosen = [q for q in read() if not names or any(belongs(q, name) for name in names)]
    if not chosen:
        parser.error(f"no question belongs to {', '.join(names)}")
    write(chosen)
    print(f"{len(chosen)} questions: {TARGET / 'exam.md'}, {TARGET / 'exam-answers.md'}")


def belongs(question: dict, name: str) -> bool:
    section = question["section"]
    return name in (question["id"], section, chapter_of(section))


if __name__ == "__main__":
    main()
