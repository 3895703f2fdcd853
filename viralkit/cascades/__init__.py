"""Cascades taken apart: their shape, their parents, their accounts; and cascades simulated."""
