"""Model access behind one protocol. Knows no Django: usable from recipes and scripts."""
