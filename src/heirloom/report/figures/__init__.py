"""The figures: each kind is declared once, in a module of its own (`kind` says what that is), and listed in `kinds`."""
