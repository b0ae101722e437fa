"""Vision: transforms, data sets, models, operators."""
