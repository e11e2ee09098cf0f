"""Documents that follow from the code: the configuration reference, the signals, tables.

``fields`` reads settings models; ``configuration``, ``signals``, ``tables`` and ``env_file``
write Markdown and the example of the environment; ``documents`` puts them into their files.
"""
