"""All benchmarks, one after the other."""

from tests.bench import browser, engine, visitors

for program in (engine, browser, visitors):
    program.main()
