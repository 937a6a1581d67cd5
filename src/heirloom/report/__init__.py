"""What a person reads: tables, figures and the summary, all made from measures and never from models or data."""
