"""Rankings of mitigations on equal terms: which are better than which, for certain, and what each costs."""
