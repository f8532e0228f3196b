"""The points of a submission: those of the tests that pass, at the end of pytest's report."""


def pytest_collection_modifyitems(items):
    for item in items:
        item.user_properties.append(("points", item.callspec.params["test"]["points"]))


def pytest_terminal_summary(terminalreporter):
    reached = {"passed": 0, "failed": 0}
    for outcome in reached:
        for report in terminalreporter.stats.get(outcome, []):
            reached[outcome] += dict(report.user_properties)["points"]
    terminalreporter.write_line(f"{reached['passed']} of {sum(reached.values())} points")
