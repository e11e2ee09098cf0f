"""Ask Chromium about all requests of pages anew: ``python -m tests.browser.http.cross_origin``."""

from tests.browser.http.asking import ask_again
from tests.browser.http.cross_origin import compare
from tests.browser.http.cross_origin.rows import OUTCOMES, unasked_rows

if __name__ == "__main__":
    ask_again(compare, list(unasked_rows()), OUTCOMES)
