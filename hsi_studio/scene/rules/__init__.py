"""What a file is taken for, one kind of question a module: each docstring states the rule, and what is asked
instead."""
