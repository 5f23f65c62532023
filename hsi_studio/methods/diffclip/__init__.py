"""DiffCLIP (Zhang, Cao et al., AAAI 2025)."""
