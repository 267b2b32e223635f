"""What models are trained to answer, an objective a file: what is read, what is wanted, where the loss counts.

Losses are in nats: −ln p of what was wanted. All of it is small enough to be computed while somebody waits.
"""
