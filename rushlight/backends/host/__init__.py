"""NumPy: runs everything, slowly at times, rightly always; the reference of the other backends."""
