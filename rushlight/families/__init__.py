"""The kinds of op there are; each knows how to make eager functions out of a declaration."""
