"""``python -m tests.browser.http.families``: ask Chromium about all rows, and print the table."""

from tests.browser.http.asking import ask_again
from tests.browser.http.families import compare
from tests.browser.http.families.rows import OUTCOMES, unasked_rows

if __name__ == "__main__":
    ask_again(compare, list(unasked_rows()), OUTCOMES)
