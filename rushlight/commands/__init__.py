"""The commands of `rushlight`: demo, info, where."""
