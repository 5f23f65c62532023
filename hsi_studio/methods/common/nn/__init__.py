"""Networks and losses that methods share. Only modules here import torch at module level; methods import them late."""
