"""Arrays with a shape, strides and a dtype, but no data."""
