"""Ask Chromium about all certificates anew: ``python -m tests.browser.http.certificates``."""

from tests.browser.http.asking import ask_again
from tests.browser.http.certificates import compare
from tests.browser.http.certificates.rows import OUTCOMES, unasked_rows

if __name__ == "__main__":
    ask_again(compare, list(unasked_rows()), OUTCOMES)
