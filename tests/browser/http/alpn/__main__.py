"""Ask Chromium about all protocols anew: ``python -m tests.browser.http.alpn``."""

from tests.browser.http.alpn import compare
from tests.browser.http.alpn.rows import OUTCOMES, unasked_rows
from tests.browser.http.asking import ask_again

if __name__ == "__main__":
    ask_again(compare, list(unasked_rows()), OUTCOMES)
