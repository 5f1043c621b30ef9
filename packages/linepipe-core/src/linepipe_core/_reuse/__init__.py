"""Decides which nodes run, and gives the reasons.

Pure, but for the session, which reads the records at the start of a run and writes new ones.
"""
