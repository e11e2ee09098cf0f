"""``probe`` as processes that are forked from one that has imported it: they start in a moment."""
