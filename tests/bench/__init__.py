"""How fast it is: programs that print tables of medians beside their targets, and never fail on time.

python -m tests.bench             all three
python -m tests.bench.engine      recording against a silent run and against another library
python -m tests.bench.browser     from a click to the picture painted
python -m tests.bench.visitors    thirty visitors at once
"""
