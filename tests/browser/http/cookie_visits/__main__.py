"""Ask Chromium about all cookies of visits anew: ``python -m tests.browser.http.cookie_visits``."""

from tests.browser.http.asking import ask_again
from tests.browser.http.cookie_visits import compare
from tests.browser.http.cookie_visits.rows import OUTCOMES, unasked_rows

if __name__ == "__main__":
    ask_again(compare, list(unasked_rows()), OUTCOMES)
