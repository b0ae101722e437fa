"""Where arrays are computed: host (NumPy, the reference), cpu (native code) and meta (shapes)."""
