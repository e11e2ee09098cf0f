"""APIs of providers that checks ask."""
