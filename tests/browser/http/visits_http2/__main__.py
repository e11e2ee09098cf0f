"""``python -m tests.browser.http.visits_http2``: ask Chromium about all, and print the table."""

from tests.browser.http.asking import ask_again
from tests.browser.http.visits_http2 import compare
from tests.browser.http.visits_http2.rows import OUTCOMES, unasked_rows

if __name__ == "__main__":
    ask_again(compare, list(unasked_rows()), OUTCOMES)
