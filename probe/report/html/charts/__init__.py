"""Charts and strips in SVG, as data that the templates draw."""
