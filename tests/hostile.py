"""Prompts that must do nothing but be shown."""

HOSTILE = {
    "image": '<img src=x onerror="window.__xss=1">',
    "script": "<script>window.__xss=1</script>",
    "frame": '<iframe srcdoc="<script>parent.__xss=1</script>"></iframe>',
    "svg": '<svg onload="window.__xss=1">',
    "style": "<style>*{display:none!important}</style>",
    "remote image": "![i](http://e.invalid/x.png)",
    "markdown": "$x$ :red[q] **b** [l](http://e.invalid) `c` | # h",
    "right to left": "a\u202eb שלום \u2066c",
    "nothing": "a\x00b\x1bc\x7f",
    "end of text": "<|endoftext|>",
    "emoji": "naïve café 🙂👩‍👩‍👧 é",
    "signs": "a -> b -- c >= d <- e :smile: :material/home:",
    "lines": "one\ntwo\r\n\n# three\n    four",
    "spaces": "   ",
}
