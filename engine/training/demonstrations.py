"""Looks for demonstrations of tasks in books: python -m engine.training.demonstrations FOLDER [FILE]"""

import csv
import json
import sys
from pathlib import Path

import regex

from engine.decode.prompting import FOLDER, Task, tasks
from engine.training.data.corpus import split_files

AROUND = 160  # characters of an excerpt before and after what was found
EXCERPTS = 4  # of each task, from different books
SOURCES = "SOURCES.tsv"  # beside the books: a row a file, with title and author


def search(task: Task, books: dict[str, str]) -> tuple[int, list[dict]]:
    """How often a task's patterns are found in books (name -> text), and excerpts of the first in each of some
    books, spread over all that have one."""
    pattern = regex.compile("|".join(task.search))
    count, first = 0, []
    for name, text in books.items():
        there = list(pattern.finditer(text))
        count += len(there)
        first += [excerpt(text, *there[0].span()) | {"book": name}] if there else []
    step = max(1, len(first) // EXCERPTS)
    return count, first[::step][:EXCERPTS]


def excerpt(text: str, start: int, end: int) -> dict:
    """What was found, and some words before and after it."""
    before, after = text[max(0, start - AROUND) : start], text[end : end + AROUND]
    before = before.partition(" ")[2] if start > AROUND else before
    after = after.rpartition(" ")[0] if end + AROUND < len(text) else after
    return {
        "before": before.rpartition("\n\n")[2],
        "found": text[start:end],
        "after": after.partition("\n\n")[0],
    }


def sources(folder: Path) -> dict[str, tuple[str, str]]:
    """Title and author of each file, from the table beside the books or above them; empty: there is none."""
    for file in (folder / SOURCES, folder.parent / SOURCES):
        if file.is_file():
            with file.open(encoding="utf-8", newline="") as rows:
                told = csv.DictReader(rows, delimiter="\t")
                return {Path(row["file"]).name: (row["title"], row["author"]) for row in told}
    return {}


def main() -> None:
    """Search what language models are trained on, and write what was found."""
    folder, *more = map(Path, sys.argv[1:])
    file = more[0] if more else FOLDER / "found.json"
    train, _ = split_files(folder, None, 0)
    books, named = {book.name: book.read_text("utf-8") for book in train}, sources(folder)
    told = {"books": len(books), "bytes": sum(len(text.encode()) for text in books.values()), "found": {}}
    for task in tasks().values():
        count, excerpts = search(task, books)
        for one in excerpts:
            book = one.pop("book")
            one["title"], one["author"] = named.get(book, (Path(book).stem.replace("-", " "), ""))
        told["found"][task.name] = {"count": count, "excerpts": excerpts}
        print(f"{task.name}: {count} found")
    file.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
