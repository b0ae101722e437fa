"""What everything rests on: dtypes, promotion, shapes, devices, flags, error messages."""
