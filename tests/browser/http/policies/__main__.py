"""Ask Chromium about all such pages anew: ``python -m tests.browser.http.policies``."""

from tests.browser.http.asking import ask_again
from tests.browser.http.policies import compare
from tests.browser.http.policies.rows import OUTCOMES, unasked_rows

if __name__ == "__main__":
    ask_again(compare, list(unasked_rows()), OUTCOMES)
