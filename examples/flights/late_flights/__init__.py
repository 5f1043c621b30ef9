"""Will this flight arrive late? A whole job on real data, as its own small package.

The functions are plain and know nothing of linepipe; only `pipelines` does. That is the
arrangement to copy: logic that anybody can call and test, and one module that says what is
joined to what.
"""
