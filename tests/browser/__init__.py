"""The same call in Chromium and in our ``call`` check, through one coturn."""
