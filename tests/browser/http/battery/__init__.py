"""A thousand odd answers, what Chromium makes of each, and whether the check agrees."""
