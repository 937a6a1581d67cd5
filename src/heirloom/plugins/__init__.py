"""Programs that users bring: `check` tries whether they keep the contract of `family: external`, `example` copies some to start from."""
