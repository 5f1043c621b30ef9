"""The Progress hook, and the area of the terminal that it redraws while a run goes on."""
