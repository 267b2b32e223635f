"""What the lectures print, transcribed and computed again in numpy and fractions; nothing is the engine's."""

import datetime
import math
import re
from fractions import Fraction

import numpy as np
import pytest

from engine.examples import all_rows

INF = math.inf


def softmax(rows):
    x = np.array(rows, float)
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


SCORES = [[10, -2, 6, 3], [0, 7, 2, -4], [-3, 4, 5, -8], [2, 1, 7, 6]]  # queries × keys, before the mask
SEEN = [[SCORES[i][j] if j <= i else -INF for j in range(4)] for i in range(4)]


def in_turn(t):
    """The slide's formula: entries 2i and 2i + 1 of a position of four numbers."""
    return [f(t / 10000 ** (2 * i / 4)) for i in range(2) for f in (math.sin, math.cos)]


def as_printed(t):
    return [math.sin(t), math.sin(t / 10000), math.cos(t), math.cos(t / 10000)]


def decoder(width, blocks, words, places):
    """The parameters of a GPT, matrix by matrix: its last norm is among them."""
    block = 4 * (width * width + width) + (width * 4 * width + 4 * width) + (4 * width * width + width)
    return (words + places) * width + blocks * (block + 4 * width) + 2 * width


def t5(width, inner, mlp, blocks, heads):
    attention, feed = 4 * width * inner, 2 * width * mlp
    norms = (2 + 3) * blocks * width + 2 * width
    return 32128 * width + blocks * (3 * attention + 2 * feed) + norms + 2 * 32 * heads


def dates():
    """The days of the class: each next Tuesday or Thursday, from 19 September 2023."""
    day, wanted, found = datetime.date(2023, 9, 19), ["Tuesday", "Thursday"] * 2 + ["Tuesday"], []
    for name in wanted:
        while day.strftime("%A") != name:
            day += datetime.timedelta(1)
        found.append(day.day)
        day += datetime.timedelta(1)
    return found


POSITIONS = [["0", "0", "1", "1"], [".84", ".0001", ".54", "1"], [".91", ".0002", ".42", "1"]]
PILE = "227.12 90.27 100.96 62.77 56.21 95.16 51.15 32.20 22.90 19.26 10.88"
PILE += " 12.98 6.38 7.75 5.52 6.30 4.59 3.90 3.73 2.38 1.89 0.88"
PILE = [Fraction(x) for x in PILE.split()]
PIECES = ["Ar", "ag", "orn", " told", " Fro", "do", " to", " mind", " L", "oth", "lor", "ien"]
DUE = [(3, 21, 5), (3, 21, 19), (5, 2, 10), (11, 7, 10)]  # Thursdays, and days to a Tuesday or Sunday
X = np.array([100, 200, 100, 0])
POLL = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]]
POLLED = [["0", "0", "2", "0"], ["0", "1", "0", "0"]]  # the second and the third, swapped

# (example, value) → what is printed, and the same computed; None: not printed
PRINTED = {
    ("positions", "PE"): (POSITIONS, [in_turn(t) for t in range(3)]),
    ("positions", "program"): (POSITIONS, [as_printed(t) for t in range(3)]),
    ("john_kicked_the", "S"): (
        [["10", "-2", "6", "3"], ["0", "7", "2", "-4"], ["-3", "4", "5", "-8"], ["2", "1", "7", "6"]],
        SCORES,
    ),
    ("layernorm", "x"): (["100", "200", "100", "0"], X),
    ("swap_poll", "a"): (["0.1", "0.2", "0.6", "0.1"], [0.1, 0.2, 0.6, 0.1]),
    ("swap_poll", "X"): ([[str(x) for x in row] for row in POLL], POLL),
    ("swap_poll", "X2"): ([[None] * 4, *POLLED], [POLL[i] for i in (0, 2, 1)]),
    ("causal_mask", "A"): ([["0", "0", "0", "0"], ["-∞", "0", "0", "0"]], [[0] * 4, [-INF, 0, 0, 0]]),
    ("reza_lives", "shape_Q"): (["2", "3"], np.ones((2, 3)).shape),
    ("reza_lives", "shape_K"): (["3", "2"], np.ones((2, 3)).T.shape),
    ("reza_lives", "root"): ("√3", 3**0.5),
    ("five_tokens", "n"): ("5", 5),
    ("layernorm", "squares"): (["0²", "100²", "0²", "100²"], [0, 10**4, 0, 10**4]),
    ("layernorm", "share"): ("1/4", Fraction(1, len(X))),
    ("layernorm", "root"): ("√5000", 5000**0.5),
    ("layernorm", "mean_after"): ("0", ((X - X.mean()) / X.std()).mean()),
    ("layernorm", "variance_after"): ("1", ((X - X.mean()) / X.std()).var()),
    ("layernorm", "y"): ([None, "1.4", None, "-1.4"], (X - X.mean()) / X.std()),
    ("john_kicked_the", "masked"): (
        [["10", "-∞", "-∞", "-∞"], ["0", "7", "-∞", "-∞"], ["-3", "4", "5", "-∞"], ["2", "1", "7", "6"]],
        SEEN,
    ),
    ("john_kicked_the", "A"): (
        [
            ["1.0", "-∞", "-∞", "-∞"],
            [".001", ".999", "-∞", "-∞"],
            [".001", ".356", ".643", "-∞"],
            [".030", ".007", ".591", ".372"],
        ],
        softmax(SEEN),
    ),
    ("layernorm", "mu"): ("100", X.mean()),
    ("layernorm", "centred"): (["0", "100", "0", "-100"], X - X.mean()),
    ("layernorm", "variance"): ("5000", (0**2 + 100**2 + 0**2 + 100**2) / 4),
    ("layernorm", "normalised"): (["0", "1.4", "0", "-1.4"], (X - X.mean()) / X.std()),
    ("patches", "side"): ("16", 16),
    ("patches", "colours"): ("3", 3),
    ("patches", "patch"): ("786", 16 * 16 * 3),
    ("parameters_gpt1", "total"): ("100M", decoder(768, 12, 40478, 512) - 2 * 768),
    ("parameters_gpt2", "d"): (["768", "1024", "1280", "1600"], [64 * h for h in (12, 16, 20, 25)]),
    ("parameters_gpt2", "total"): (
        [None, None, None, ["1.5B", "1.5B"]],
        [0, 0, 0, decoder(1600, 48, 50257, 1024)],
    ),
    ("parameters_bert", "total"): (  # two more vectors for segments, and a layer on [CLS]
        [None, "300M"],
        [decoder(d, L, 30522, 512) + 2 * d + d * d + d for d, L in ((768, 12), (1024, 24))],
    ),
    ("parameters_t5", "total"): ([None] * 4 + ["11.0B"], [0] * 4 + [t5(1024, 128 * 128, 65536, 24, 128)]),
    ("parameters_large", "total"): (
        ["8.0B", "17.0B", "175.0B"],
        [decoder(3072, 72, 51200, 1024), decoder(4256, 78, 0, 1024), decoder(12288, 96, 50257, 2048)],
    ),
    ("parameters_llama", "total"): (
        ["70B"],
        [80 * (2 * 8192**2 + 2 * 8192 * 1024 + 3 * 8192 * 28672 + 2 * 8192) + 2 * 32000 * 8192 + 8192],
    ),
    ("parameters_network", "pixels"): (["28", "28"], [28, 28]),
    ("parameters_network", "hidden"): ("512", 512),
    ("parameters_network", "out"): ("512", 512),
    ("flops", "D"): ("15T", 15 * 10**12),
    ("flops", "ratio"): ("3", Fraction(2 + 4, 2)),
    ("facts_dates", "date"): (["19", "21", "23", "28", "3"], dates()),
    ("facts_dates", "since"): (["21", "21", "2", "7"], [d for _, d, _ in DUE]),
    ("facts_dates", "due"): (
        ["26", "9", "12", "17"],
        [(datetime.date(2024, m, d) + datetime.timedelta(n)).day for m, d, n in DUE],
    ),
    ("facts_years", "year"): (
        ["2018", "2018", "2019", "2019", "2020", "2020", "2020", "2022"],
        [2018, 2018, 2019, 2019, 2020, 2020, 2020, 2022],
    ),
    ("facts_years", "year_of_vectors"): (["2013", "2013", "2018", "2018"], [2013, 2014, 2018, 2018]),
    ("facts_years", "year_of_ideas"): (["2017", None, "2017"], [2014, 2016, 2017]),
    ("facts_vocabulary", "gpt4"): ("100,277", len(range(100_276 + 1))),
    ("facts_vocabulary", "llama3"): ("128K", 128_000 + 256),
    ("facts_vocabulary", "sides"): ("50k", 256 + 50_000 + 1),
    ("facts_hardware", "days"): ("3.5", 3.5),
    ("facts_hardware", "gpus"): ("8", 8),
    ("facts_hardware", "clusters"): ("2", 2),
    ("facts_hardware", "thousands"): ("24", Fraction(24_576, 2**10)),
    ("facts_memory", "N"): ("175B", 175 * 10**9),
    ("facts_masking", "chosen"): ("15%", 0.15),
    ("facts_masking", "random"): ("10%", 0.1),
    ("facts_masking", "kept"): ("10%", 0.1),
    ("facts_pieces", "words"): ("6", len("".join(PIECES).split())),
    ("facts_pieces", "tokens"): ("12", len(PIECES)),
    ("facts_bleu", "german"): ("28.4", 28.4),
    ("facts_bleu", "french"): ("41.0", 41.0),
    ("facts_bleu", "gain"): ("2", Fraction("28.4") - Fraction("26.36")),
    ("facts_batch", "sentences"): ("8", 8),
    ("facts_batch", "block"): ("10", 10),
    ("facts_data", "datasets"): ("22", len(PILE)),
    ("facts_data", "gib"): ([["825", "800"]], [sum(PILE)]),
    ("facts_data", "tokens"): ("1.2T", sum(PILE) * 2**30 * Fraction("0.29335")),
    ("facts_data", "dolma"): ("3T", 3 * 10**12),
    ("facts_data", "pairs"): ("~5M", Fraction("4.5") * 10**6),
    ("facts_images", "thousand"): ("14M", 1_281_167),
    ("facts_images", "objects"): ("200k", 82_783 + 40_504 + 81_434),
    ("facts_images", "classes"): (["21k", "1000"], [21_841, 1000]),
    ("facts_images", "images"): (["14M"], [14_197_122]),
    ("facts_images", "ade"): ("20k", 20_210),
    ("facts_benchmarks", "tasks"): ("57", 57),
    ("facts_benchmarks", "problems"): (["~400"], [374]),
    ("facts_code", "lines"): ("17", 8 + 9),
}


def transcribed():
    """(example, value, row, column, printed) → computed, for every printed number."""
    found = {}
    for (example, of), (printed, computed) in PRINTED.items():
        cells = printed if isinstance(printed, list) else [printed]
        rows = cells if isinstance(cells[0], list) and isinstance(computed[0], list | np.ndarray) else [cells]
        numbers = computed if rows is cells else [computed if isinstance(printed, list) else [computed]]
        for i, row in enumerate(rows):
            for j, texts in enumerate(row):
                for text in texts if isinstance(texts, list) else [texts]:
                    if text:
                        found[example, of, i + 1, j + 1, plain(text)] = numbers[i][j]
    return found


def plain(text: str) -> str:
    """A printed number without what differs between ways of writing it: 0.84 is .84."""
    return re.sub(r"^(-?)0+(?=\.)", r"\1", text.replace(",", "").replace("−", "-"))


UNITS = {"%": Fraction(1, 100), "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


EXACT = {"√": lambda x: float(x) ** 0.5, "/": Fraction, "²": lambda x: int(x) ** 2}


def follows(printed: str, computed) -> bool:
    """Is the computed number the printed one within half of its last place? A lost minus is no fault."""
    if "∞" in printed or abs(computed) == INF:
        return printed == "-∞" and computed == -INF
    printed = printed.lstrip("~")
    for sign, exact in EXACT.items():
        if sign in printed:
            return math.isclose(computed, exact(printed.replace("√", "").replace("²", "")))
    digits, unit = (printed[:-1], UNITS[printed[-1]]) if printed[-1] in UNITS else (printed, 1)
    places = len(digits.partition(".")[2])
    if re.fullmatch(r"[1-9]0+", digits) and len(digits) > 2 - (unit > 1):  # held to its one digit
        places = 1 - len(digits)
    wanted, last = Fraction(digits) * unit, Fraction(unit, 1) / Fraction(10) ** places
    near = lambda x: abs(x - wanted) <= last / 2 * (1 + Fraction(1, 10**9))  # noqa: E731
    return near(Fraction(computed)) or (wanted > 0 and near(-Fraction(computed)))


@pytest.fixture(scope="module")
def rows():
    return {(r.example, r.of, r.row, r.column, plain(r.printed)): r for r in all_rows()}


def test_every_printed_number_is_transcribed_twice(rows):
    assert set(rows) == set(transcribed())


def test_both_compute_the_same(rows):
    for key, computed in transcribed().items():
        shown, wanted = rows[key].computed, float(computed)
        assert shown == wanted or math.isclose(shown, wanted, rel_tol=1e-9, abs_tol=1e-12), key


def test_the_same_numbers_do_not_follow(rows):
    ours = {key for key, computed in transcribed().items() if not follows(key[-1], computed)}
    assert ours == {key for key, row in rows.items() if not row.agrees}
    assert 0 < len(ours) < len(rows)


def test_the_pieces_are_the_sentence():
    assert "".join(PIECES) == "Aragorn told Frodo to mind Lothlorien"
