"""Whether a rater may label: windows of gold, certification, figures."""
