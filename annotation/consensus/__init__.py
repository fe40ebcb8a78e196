"""What all raters say together of a pair."""
