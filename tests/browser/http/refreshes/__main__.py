"""Ask Chromium about all pages that refresh anew: ``python -m tests.browser.http.refreshes``."""

from tests.browser.http.asking import ask_again
from tests.browser.http.refreshes import compare
from tests.browser.http.refreshes.rows import OUTCOMES, unasked_rows

if __name__ == "__main__":
    ask_again(compare, list(unasked_rows()), OUTCOMES)
