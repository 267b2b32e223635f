"""Prompts that must do nothing but be shown."""

import random

HOSTILE = {
    "image": '<img src=x onerror="window.__xss=1">',
    "script": "<script>window.__xss=1</script>",
    "frame": '<iframe srcdoc="<script>parent.__xss=1</script>"></iframe>',
    "svg": '<svg onload="window.__xss=1">',
    "style": "<style>*{display:none!important}</style>",
    "remote image": "![i](http://e.invalid/x.png)",
    "markdown": "$x$ :red[q] **b** [l](http://e.invalid) `c` | # h",
    "autolinks": "www.example.com me@example.com http://e.invalid/a <http://e.invalid>",
    "streamlit": ":streamlit: :material/home: :red-background[x] :small[y] $$\\frac12$$ \\(z\\)",
    "right to left": "a\u202eb שלום \u2066c",
    "nothing": "a\x00b\x1bc\x7f",
    "end of text": "<|endoftext|>",
    "emoji": "naïve café 🙂👩‍👩‍👧 é",
    "signs": "a -> b -- c >= d <- e :smile: :material/home:",
    "lines": "one\ntwo\r\n\n# three\n    four",
    "spaces": "   ",
}

PIECES = (
    *HOSTILE.values(),
    *("www.evil.example", "https://evil.example/?a=b&c=d", "mailto:a@b.example", "//evil.example"),
    *("javascript:1", ":red[x]", ":material/close:", ":+1:", ":blue-badge[b]", "::: note", ":::{tip}"),
    *("{.class #id}", "==m==", "++i++", "$a_1$", "$$x^2$$", "\\begin{x}", "\\href{http://e.invalid}{x}"),
    *("\\(q\\)", "`code`", "```\ncode\n```", "~~no~~", "| a | b |\n|---|---|\n| c | d |", "- item"),
    *("1. one", "> quote", "# head", "---", "***", "[^1]", "[^1]: note", "[a]: http://e.invalid"),
    *("[a][b]", "![a][b]", "<!-- c -->", "<b>", "</div>", "&lt;b&gt;", "&#60;", "&amp;amp;", "[[n]]"),
    *("[[token:.2f]]", "[[causal?x]]", "{0}", "%s", "${7*7}", "{{7*7}}", "\\", "\\\\", "\\*", "'\";--"),
    *("=1+1", "\u202e", "\u2067", "\u200f", "\u200b", "\u200d", "\ufeff", "\u2028", "\u2029", "\x85"),
    *("\x00", "\x1b[31m", "\t", "\u0301" * 30, "Z\u0337\u0335a\u0489", "\U0001f468\u200d\U0001f469"),
    *("\U000e0041", "ﷺ", "\ufffd", "\uffff", "𝕏", "\r", "\n", "\r\n", "  \n", "a" * 300, " ", "", "é"),
    *("ß", "İ", "０"),
)


def many(count: int = 1000, seed: int = 0) -> list[str]:
    """Hostile texts: the pieces, and some of them one after the other."""
    dice = random.Random(seed)
    some = (dice.choices(PIECES, k=dice.randint(1, 5)) for _ in range(count))
    return [*PIECES, *(dice.choice(("", " ", "\n")).join(pieces) for pieces in some)][:count]
