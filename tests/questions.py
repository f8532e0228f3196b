"""What users of optimizers ask in public, where the book answers, and how one searches for it."""

from typing import NamedTuple


class Question(NamedTuple):
    """A question, a query that someone with it would type, and the page and label of the answer."""

    question: str
    query: str
    page: str
    label: str


QUESTIONS = [
    Question(*row)
    for row in (
        ("What breaks in low precision?", "low precision", "engines", "engines-precision"),
        ("Why is epsilon 0 in float16?", "float16", "strategies", "strategies-precision"),
        ("What is loss scaling?", "loss scaling", "strategies", "strategies-precision"),
        ("How do I go on from a saved state?", "saved state", "engines", "engines-resume"),
        ("What does clipping do?", "gradient clipping", "strategies", "strategies-clipping"),
        (
            "Why does a parameter without a gradient move under Adam?",
            "parameter without a gradient",
            "engines",
            "engines-no-gradient",
        ),
        ("What are warm restarts?", "warm restarts", "schedules", "schedules-restarts"),
        ("What is one-cycle?", "one cycle", "schedules", "schedules-onecycle"),
        ("How do I find a rate?", "rate finder", "schedules", "schedules-finder"),
        ("How do I maximise?", "maximum negate gradient", "engines", "engines-maximum"),
        ("May parameters be complex?", "complex parameters", "engines", "engines-complex"),
        ("Which layers and which rate with Muon?", "muon", "adamw", "adamw-muon"),
        ("How do I evaluate with Schedule-Free?", "schedule-free", "schedules", "schedules-free"),
        ("Order and coupling of weight decay?", "order of weight decay", "adamw", "adamw-order"),
        ("Where does epsilon stand?", "place of epsilon", "dialects", "dialects-by-rule"),
    )
]
