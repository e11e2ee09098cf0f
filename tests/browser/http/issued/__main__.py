"""Ask Chromium about all that is issued to pages anew: ``python -m tests.browser.http.issued``."""

from tests.browser.http.asking import ask_again
from tests.browser.http.issued import compare
from tests.browser.http.issued.rows import OUTCOMES, unasked_rows

if __name__ == "__main__":
    ask_again(compare, list(unasked_rows()), OUTCOMES)
