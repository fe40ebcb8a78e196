"""Texts that a model may write to attack or break a page."""

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "![tracker](https://evil.example/pixel.png)",
    '<a href="https://ok.example" onclick="alert(1)">x</a>',
    "<iframe src=https://evil.example></iframe><style>*{display:none}</style>",
    "</div></article></main><form action=https://evil.example>",
    "$\\frac{1}{$ and $$\\href{javascript:alert(1)}{x}$$ and $\\unicode{x}$",
    "```html\n<script>alert(1)</script>\n```",
    "```python\nprint('</code><script>alert(1)</script>')\n```",
    ">" * 500 + " deep",
    "[" * 500 + "x" + "](y)" * 500,
    "x" * 20_000,
    "\u202eevil\u202c مرحبا بالعالم שלום",
    "",
    "| a | b |\n|---|---|\n| <b onmouseover=alert(1)>x</b> | y |",
)
