"""What a test wants to be read at the end of a run: `record_property("says", text)`."""


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == "says":
                terminalreporter.write_line(text)
