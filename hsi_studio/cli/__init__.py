"""The command line: the same verbs as the façade, from a shell."""
