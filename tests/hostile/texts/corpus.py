"""Texts as a hostile target, a certificate or a configuration brings them, and what marks them."""

MARK = "FORGED"
"""In each of them; a line or an element that begins with it would be of the target's making."""

TEXTS = {
    "line ends": f"a\n{MARK} b\r\n{MARK} c\r{MARK}\v{MARK}\f{MARK}\x85{MARK}\u2028{MARK}\u2029x",
    "escape sequences": f"\x1b[2J\x1b[31m{MARK}\x1b]8;;http://evil.example/\x07x\x07\x9b31m",
    "overwritten line": f"bad{chr(8) * 9}\rok {MARK}",
    "turned around": f"\u202e{MARK}\u2066\u2067\u2068\u2069\u200f\u200e\u061c\ufeff\u200b",
    "no characters": f"\0\x01\x7f\ud800{MARK}\udfff\ufffe\uffff\ufdd0\U0001fffe",
    "markup": f"<script>{MARK}()</script><img src=x onerror={MARK}()>\"'><!--",
    "end of a section": f"]]><{MARK}/>]]&gt;<![CDATA[x]]>&{MARK};&#0;&#x1b;",
    "a row": f"| {MARK} | b |\n|---|---|\n`a` ``` ~~~ \\| {MARK}",
    "markdown": f"[{MARK}](http://evil.example) ![x](http://evil.example/x) *b* _i_ # h > q ~~s~~",
    "a block": f"\n\n# {MARK}\n\n- {MARK}\n\n    {MARK}\n```\n{MARK}\n```\n---\n<details>",
    "bare links": f"https://evil.example/{MARK} www.evil.example mailto:a@evil.example",
    "mentions": f"<!channel> <!here> <!everyone> <@U123> <#C1> @here @{MARK} &lt;!here&gt;",
    "references": f'closes #1, fixes GH-2 a/b#3 a/b@0123456 !4 $5 %6 &7 ~{MARK} ~"b" (@{MARK})',
    "addresses": f"{MARK}@evil.example xmpp:{MARK}@evil.example @a/{MARK} \uff20{MARK}",
    "slack link": f"<http://evil.example|{MARK}> <tel:1|{MARK}> <!date^1^{{date}}|{MARK}>",
    "workflow commands": f"::error::{MARK}\n::add-mask::{MARK}\n##[error]{MARK}\n##vso[task]{MARK}",
    "of a metric": f'a"}} 1\n# HELP {MARK} x\n{MARK}{{b="c\\',
    "templates": f"{{{{ 7*7 }}}} {{% raw %}} ${{{{ secrets.X }}}} %s %(a)s {{0}} {MARK}",
    "rich markup": f"[bold red]{MARK}[/] [link=http://evil.example]{MARK}[/link] :smile:",
    "json": f'"}},"verdict":"ok","{MARK}":{{"a":"\\u0000',
    "formula": f'=HYPERLINK("http://evil.example";"{MARK}")',
    "combining": MARK + "\u0301" * 5000 + "\u20dd" * 100,
}
# Of these an entry keeps the beginning: no output gets more.
HUGE = {
    "a megabyte": MARK + " " + "x" * 1_000_000,
    "a megabyte of lines": f"{MARK}\n" * 150_000,
    "a megabyte of markup": f"<{MARK}>`|*" * 100_000,
}
