"""Scalar expressions, their derivatives, and nothing else: what a backend has to compile."""
