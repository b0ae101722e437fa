"""The cpu backend: kernels generated with LLVM, oneDNN, a thread pool and an allocator."""
