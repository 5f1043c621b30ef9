"""The code that a function leads to, and hashes of it.

Code is read here and never run: no import is triggered, no user's function is called.
"""
