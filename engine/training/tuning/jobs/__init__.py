"""What takes long, point by point: curves over the number of labelled examples; a job a file.

Every job tells first what it is about, then its points, each with the held-out examples that were got right.
"""
