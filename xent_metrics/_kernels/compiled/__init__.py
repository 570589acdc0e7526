"""Kernels in C++, and what runs them where an installation has them compiled."""
